"""What an application reads: true in both views, and safe in every format without quotes."""

from __future__ import annotations

import re

import pytest

from nexusdev.components.contract import Consumer
from nexusdev.components.postgres.variables import credentials, variables
from nexusdev.interfaces import InstanceAccess, View


def values(access: InstanceAccess, view: View) -> dict[str, str]:
    return {variable.name: variable.value for variable in variables(access, view)}


def test_the_host_reads_published_addresses(access: InstanceAccess) -> None:
    read = values(access, View.HOST)
    assert (read["PGHOST"], read["PGPORT"], read["PGDATABASE"], read["PGUSER"]) == (
        "127.0.0.1", "21032", "nexus_architect", "nexus_app",
    )  # fmt: skip
    assert read["DATABASE_URL"].endswith("@127.0.0.1:21032/nexus_architect?sslmode=verify-full")
    assert "@127.0.0.1:21033/" in read["DATABASE_RO_URL"]
    assert "@127.0.0.1:21034/" in read["DATABASE_POOL_URL"]
    assert read["DATABASE_MIGRATION_URL"].startswith("postgresql://nexus_owner:")
    assert read["DATABASE_MIGRATION_URL"].endswith("@127.0.0.1:21032/nexus_architect?sslmode=verify-full")


def test_a_container_reads_productions_names(access: InstanceAccess) -> None:
    read = values(access, View.CONTAINER)
    assert (read["PGHOST"], read["PGPORT"]) == ("postgresql-primary", "5432")
    assert "@postgresql-replica:5432/" in read["DATABASE_RO_URL"]
    assert "@pgbouncer:6432/" in read["DATABASE_POOL_URL"]


@pytest.mark.parametrize("view", list(View))
def test_no_value_needs_quoting_and_none_breaks_a_sourced_file(access: InstanceAccess, view: View) -> None:
    for name, value in values(access, view).items():
        assert re.fullmatch(r"[A-Za-z0-9:/@.,?=_%+-]+", value), name


def test_whatever_holds_the_password_is_secret(access: InstanceAccess) -> None:
    passwords = [each["password"] for each in credentials(access).values()]
    assert all(
        variable.secret == any(password in variable.value for password in passwords)
        for variable in variables(access, View.HOST)
    )


def test_each_consumer_gets_its_own_login_and_no_other_with_addresses_inside_the_network(
    access: InstanceAccess,
) -> None:
    kept = credentials(access)
    assert {consumer: each["username"] for consumer, each in kept.items()} == {
        Consumer.APPLICATION: "nexus_app",
        Consumer.MIGRATIONS: "nexus_owner",
    }
    for consumer, each in kept.items():
        assert each["host"] == "postgresql-primary"
        others = [other["password"] for name, other in kept.items() if name is not consumer]
        assert not any(password in each.values() for password in others)
