"""Asks every Vault server for its health, and the active node for the votes.

Health needs no token (https://developer.hashicorp.com/vault/api-docs/system/health). The metrics, which have the votes, need the
application's: without a token they are served only by a listener that is not published.
"""

from __future__ import annotations

import re
from functools import partial

from msgspec.structs import replace

from nexusdev.components.vault import names
from nexusdev.components.vault.client import OK, Api, Transport, document
from nexusdev.components.vault.names import APP_TOKEN, ROLE
from nexusdev.components.vault.pending import UNFINISHED, PendingOperations
from nexusdev.components.vault.readiness import Facts, VaultServer
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together

_TIMEOUT = 2.0
_TOLERANCE = re.compile(r"^vault_autopilot_failure_tolerance(?:\{[^}]*\})? (\d+)", re.MULTILINE)


def probe(transport: Transport, access: InstanceAccess) -> Facts:
    """Ask all servers and the gateway at once, then the active node for its votes."""
    nodes, unsealer, secrets = names.nodes(access), names.unsealer(access), access.secrets
    seen = together({name: partial(_server, transport, name) for name in (unsealer, *nodes, ROLE)})
    facts = Facts(
        unseal=seen[unsealer],
        nodes=tuple(seen[name] for name in nodes),
        routed=seen[ROLE].active,
        cut=any(word in PendingOperations(secrets=secrets) for word in UNFINISHED),
    )
    if facts.active is None or not all(node.unsealed for node in facts.nodes):
        return facts
    return replace(facts, tolerance=_tolerance(transport, facts.active.name, secrets.read(APP_TOKEN)))


def _server(transport: Transport, name: str) -> VaultServer:
    """Return a server with its state from ``sys/health``; one without a valid answer counts as down."""
    try:
        response = Api(transport=transport, server=name, timeout=_TIMEOUT).ask("GET", "sys/health", fresh=name == ROLE)
    except OSError:
        return VaultServer(name=name)
    health = document(response)
    if "initialized" not in health:
        return VaultServer(name=name)
    return VaultServer(
        name=name,
        answers=True,
        initialized=health["initialized"] is True,
        sealed=health.get("sealed") is not False,
        active=response.status == OK,
    )


def _tolerance(transport: Transport, active: str, token: str) -> int | None:
    """Return None without a token, before the first seeding."""
    api = Api(transport=transport, server=active, token=token, timeout=_TIMEOUT)
    try:
        response = api.ask("GET", "sys/metrics?format=prometheus")
    except OSError:
        return None
    found = _TOLERANCE.search(response.text)
    return int(found[1]) if found else None
