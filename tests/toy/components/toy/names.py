"""Toy's names: its group, port and secrets. The servers come from the stack."""

from __future__ import annotations

from nexusdev.interfaces import InstanceAccess

NAME = "toy"
GROUP = "toy"
PORT = 8443
TOKEN = "toy-token"  # noqa: S105 - a secret's name


def servers(access: InstanceAccess) -> tuple[str, ...]:
    """Return the servers, by ordinal."""
    return access.topology.members(NAME, GROUP)


def server(access: InstanceAccess) -> str:
    """Return the server that applications use."""
    return servers(access)[0]
