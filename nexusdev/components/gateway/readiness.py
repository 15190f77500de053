"""Readiness of the gateway: every proxy answers, and each role of a running component has a server behind it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct, field

from nexusdev.components.contract import Readiness
from nexusdev.util.humanize import join_names

# If more roles than these are empty, none is named: while a stack starts, all of them are empty.
_FEW = 2


class ProxyRole(Struct, frozen=True, kw_only=True):
    """A role name and the proxy that serves it.

    Attributes:
        proxy: The service of the gateway that has the role name among its aliases.
        name: The role name.
        backend: Regular expression for the names of its backends.
    """

    proxy: str
    name: str
    backend: str


class Facts(Struct, frozen=True, kw_only=True):
    """The answers of the proxies.

    Attributes:
        proxies: Every proxy of the stack.
        servers: Proxy → backend → names of its servers that are up; without the proxies that do not answer.
        roles: The role names of those components that have a container in this run.
    """

    proxies: tuple[str, ...] = ()
    servers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    roles: tuple[ProxyRole, ...] = ()

    def up(self, role: ProxyRole) -> tuple[str, ...]:
        """The servers behind a role that are up."""
        backends = self.servers.get(role.proxy, {})
        return tuple(
            server for name, servers in backends.items() if re.fullmatch(role.backend, name) for server in servers
        )


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure."""
    if silent := [proxy for proxy in facts.proxies if proxy not in facts.servers]:
        return Readiness(missing=f"{join_names(silent)} {'does' if len(silent) == 1 else 'do'} not answer")
    empty = [role.name for role in facts.roles if not facts.up(role)]
    if len(empty) > _FEW:
        return Readiness(missing="several roles have no server yet")
    return Readiness(missing=f"no server is up behind {join_names(empty)}" if empty else "")
