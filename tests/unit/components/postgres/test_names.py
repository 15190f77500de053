"""The names in PostgreSQL's code are those of the compose files."""

from __future__ import annotations

from nexusdev.components.postgres import names
from tests.topology import stack


def test_every_password_is_a_declared_secret() -> None:
    """Not all roles log in from here: the servers themselves read the password of the monitor and of the pooler."""
    assert {*names.PASSWORDS.values(), names.REST_PASSWORD} <= stack().secrets.keys()
