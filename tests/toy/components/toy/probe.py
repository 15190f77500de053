"""Asks every server whether it works."""

from __future__ import annotations

from functools import partial
from http import HTTPStatus

from nexusdev.components.https_connection import get
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together
from tests.toy.components.toy import names
from tests.toy.components.toy.readiness import Facts


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:  # noqa: ARG001 - a value needs no test write
    """Ask all servers at once. A server that is down is a fact, not an error."""
    return Facts(servers=together({name: partial(_healthy, access, name) for name in names.servers(access)}))


def _healthy(access: InstanceAccess, name: str) -> bool:
    try:
        return get(access.address(name, names.PORT), "/health", access=access).status == HTTPStatus.OK
    except OSError:
        return False
