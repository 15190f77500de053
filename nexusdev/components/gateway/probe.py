"""Asks every proxy which servers are up behind it."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import partial

from nexusdev.components.contract import Component
from nexusdev.components.gateway.names import NAME, PORT
from nexusdev.components.gateway.readiness import Facts, ProxyRole
from nexusdev.components.https_connection import get
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.topology import Topology
from nexusdev.util.parallel import together

_OK = 200
_STATUS = re.compile(r'^haproxy_server_status\{proxy="([^"]+)",server="([^"]+)",state="UP"\} (\d)', re.MULTILINE)


def probe(access: InstanceAccess, components: Mapping[str, Component]) -> Facts:
    """Ask all proxies at once, and the runtime for what exists. ``components``: those that may have roles, by name."""
    proxies = access.topology.of_component(NAME)
    answers = together({proxy: partial(_servers, access, proxy) for proxy in proxies})
    return Facts(
        proxies=proxies,
        servers={proxy: found for proxy, found in answers.items() if found is not None},
        roles=roles(components, access.observe().components, access.topology),
    )


def roles(components: Mapping[str, Component], names: Collection[str], topology: Topology) -> tuple[ProxyRole, ...]:
    """The role names that the components of these names declare, each with its proxy."""
    return tuple(
        ProxyRole(proxy=topology.service_of(role.name), name=role.name, backend=role.backend)
        for name in components
        if name in names
        for role in components[name].gateway_roles
    )


def parse(metrics: str) -> dict[str, tuple[str, ...]]:
    """Backend → servers that are up, from HAProxy's metrics."""
    found: dict[str, tuple[str, ...]] = {}
    for backend, server, value in _STATUS.findall(metrics):
        found[backend] = found.get(backend, ()) + ((server,) if value == "1" else ())
    return found


def _servers(access: InstanceAccess, proxy: str) -> dict[str, tuple[str, ...]] | None:
    try:
        answer = get(access.address(proxy, PORT), "/metrics?scope=server&metrics=haproxy_server_status", access=access)
    except OSError:
        return None
    return parse(answer.text) if answer.status == _OK else None
