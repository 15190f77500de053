"""Reads what only runtimes with pods use of a service: its connections, the ports of its role names, its checks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusdev.stack import schema, values
from nexusdev.stack.document import Scalar, Value, config_error
from nexusdev.stack.health import port_number, read_check
from nexusdev.stack.model import Connection

_NO_CONNECTIONS: tuple[Connection, ...] = ()
_NO_PORTS: Mapping[str, tuple[int, ...]] = {}


def read_pod_members(value: Value) -> dict[str, Any]:
    """Return the members of a Service that ``x-nexusdev`` declares for such runtimes.

    Raises:
        InvalidConfig: With file, line, key and what is allowed.
    """
    members = schema.table(value, "x-nexusdev of a service")
    return {
        "connects": values.optional(members, "connects", _connections, _NO_CONNECTIONS),
        "serves": values.optional(members, "serves", _role_ports, _NO_PORTS),
        "ready": values.optional(members, "ready", read_check, None),
        "alive": values.optional(members, "alive", read_check, None),
    }


def _connections(value: Value) -> tuple[Connection, ...]:
    found = []
    for item in values.items(value):
        target, _, port = values.text(item, "NAME:PORT").rpartition(":")
        if not target or not port.isdecimal():
            raise config_error(item.position, f"{values.text(item)!r} is not NAME:PORT")
        found.append(Connection(target=target, port=port_number(Scalar(item.position, port, "int"))))
    return tuple(found)


def _role_ports(value: Value) -> Mapping[str, tuple[int, ...]]:
    return {
        name: tuple(port_number(port) for port in values.items(ports)) for name, ports in values.entries(value).items()
    }
