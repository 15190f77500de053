"""Reads checks of one service: how its readiness, and whether it still works, are found out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexusdev.stack import schema, values
from nexusdev.stack.document import Value, config_error
from nexusdev.stack.model import ReadyCheck

_LAST_PORT = 65535
_CHECKS = ("http", "tcp", "exec")


def read_check(value: Value) -> ReadyCheck:
    """Return the check that ``ready`` or ``alive`` declares.

    Raises:
        InvalidConfig: It is not exactly one check, or the check is invalid.
    """
    members = schema.table(value, "ready")
    if len(members) != 1:
        raise config_error(value.position, f"needs exactly one check, not {len(members)}", allowed=_CHECKS)
    [(kind, written)] = members.items()
    if kind == "exec":
        return ReadyCheck(kind="exec", argv=values.words(written))
    check = schema.table(written, f"{kind} check", required=("port",))
    port = port_number(check["port"])
    if kind == "tcp":
        return ReadyCheck(kind="tcp", port=port)
    return ReadyCheck(kind="http", port=port, **http_members(check, default="/"))


def http_members(members: Mapping[str, Value], *, default: str) -> dict[str, Any]:
    """Return path and TLS of an HTTP request. ``default``: the path where none is given."""
    return {
        "path": values.optional(members, "path", values.absolute, default),
        "tls": values.optional(members, "tls", values.boolean, False),
    }


def port_number(value: Value) -> int:
    """Return a container port. Raises InvalidConfig for one out of range."""
    port = values.integer(value, least=1)
    if port > _LAST_PORT:
        raise config_error(value.position, f"port {port} is out of range")
    return port
