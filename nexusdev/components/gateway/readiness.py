"""Readiness of the gateway: both proxies answer, and each role of a running component has a server behind it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.components.contract import Component, GatewayRole, Readiness, ServiceStatus
from nexusdev.components.https_connection import get
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import join_names
from nexusdev.util.parallel import together

PORT = 8404
_OK = 200
# More empty roles than these are not named: all of them are, while a stack comes up.
_FEW = 2
_STATUS = re.compile(r'^haproxy_server_status\{proxy="([^"]+)",server="([^"]+)",state="UP"\} (\d)', re.MULTILINE)


PROXIES = ("gateway-rw", "gateway-ro")


class Facts(Struct, frozen=True, kw_only=True):
    """What the proxies told.

    servers  proxy → backend → names of its servers that are up; a proxy that does not answer is not in it
    roles    the role names of those components that have a container in this run
    """

    servers: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    roles: tuple[GatewayRole, ...] = ()

    def up(self, role: GatewayRole) -> tuple[str, ...]:
        """The servers behind a role that are up."""
        backends = self.servers.get(role.proxy, {})
        return tuple(
            server for name, servers in backends.items() if re.fullmatch(role.backend, name) for server in servers
        )


def probe(access: InstanceAccess, components: Mapping[str, Component]) -> Facts:
    """Ask both proxies at once, and the runtime for what exists. ``components``: those that may have roles, by name."""
    answers = together({proxy: lambda proxy=proxy: _servers(access, proxy) for proxy in PROXIES})  # type: ignore[misc]
    return Facts(
        servers={proxy: found for proxy, found in answers.items() if found is not None},
        roles=roles(components, access.runtime.observe().components),
    )


def roles(components: Mapping[str, Component], names: Collection[str]) -> tuple[GatewayRole, ...]:
    """The role names that the components of these names declare."""
    return tuple(role for name in components if name in names for role in components[name].gateway_roles)


def parse(metrics: str) -> dict[str, tuple[str, ...]]:
    """Backend → servers that are up, from HAProxy's metrics."""
    found: dict[str, tuple[str, ...]] = {}
    for backend, server, value in _STATUS.findall(metrics):
        found[backend] = found.get(backend, ()) + ((server,) if value == "1" else ())
    return found


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure."""
    if silent := [proxy for proxy in PROXIES if proxy not in facts.servers]:
        return Readiness(missing=f"{join_names(silent)} {'does' if len(silent) == 1 else 'do'} not answer")
    empty = [role.name for role in facts.roles if not facts.up(role)]
    if len(empty) > _FEW:
        return Readiness(missing="several roles have no server yet")
    return Readiness(missing=f"no server is up behind {join_names(empty)}" if empty else "")


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per proxy: role name → who serves it now."""
    return tuple(_row(proxy, facts) for proxy in PROXIES)


def _row(proxy: str, facts: Facts) -> ServiceStatus:
    if proxy not in facts.servers:
        return ServiceStatus(service=proxy, detail="does not answer")
    own = [role for role in facts.roles if role.proxy == proxy]
    detail = ", ".join(f"{role.name} → {len(facts.up(role)) or 'no server'}" for role in own)
    return ServiceStatus(
        service=proxy, role="proxy", state="running", detail=detail, ok=all(facts.up(role) for role in own)
    )


def _servers(access: InstanceAccess, proxy: str) -> dict[str, tuple[str, ...]] | None:
    try:
        answer = get(access.address(proxy, PORT), "/metrics?scope=server&metrics=haproxy_server_status", access=access)
    except OSError:
        return None
    return parse(answer.text) if answer.status == _OK else None
