"""Readiness of Vault: all four nodes unsealed, one of the three active, all three voting, and the gateway leads there.

Health is asked without a token (https://developer.hashicorp.com/vault/api-docs/system/health), the metrics, for the votes, with the
application's: only a listener that is published nowhere gives them to everybody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.contract import Readiness, ServiceStatus
from nexusdev.components.vault.api import OK, Api, Transport, document
from nexusdev.components.vault.names import APP_TOKEN, NODES, ROLE, UNSEAL
from nexusdev.components.vault.pending import UNFINISHED, PendingOperations
from nexusdev.interfaces import SecretStore
from nexusdev.util.parallel import together

_TIMEOUT = 2.0
_TOLERANCE = re.compile(r"^vault_autopilot_failure_tolerance(?:\{[^}]*\})? (\d+)", re.MULTILINE)


class VaultServer(Struct, frozen=True, kw_only=True):
    """One server by its own word. All false: it does not answer."""

    name: str
    answers: bool = False
    initialized: bool = False
    sealed: bool = True
    active: bool = False

    @property
    def unsealed(self) -> bool:
        return self.answers and self.initialized and not self.sealed

    @property
    def state(self) -> str:
        """In one word, or two."""
        if not self.answers:
            return "down"
        if not self.initialized:
            return "not initialized"
        return "sealed" if self.sealed else "unsealed"


class Facts(Struct, frozen=True, kw_only=True):
    """What was seen.

    unseal     the fourth node;  nodes  the three
    routed     the gateway leads to an active node
    tolerance  how many voters may fail by the word of the active node (1 of three when all vote); None when it does not tell
    cut        an initialisation was cut and is to be finished first
    """

    unseal: VaultServer
    nodes: tuple[VaultServer, ...]
    routed: bool = False
    tolerance: int | None = None
    cut: bool = False

    @property
    def active(self) -> VaultServer | None:
        """The one active node; None when there is none or more than one."""
        found = [node for node in self.nodes if node.active]
        return found[0] if len(found) == 1 else None


def probe(transport: Transport, secrets: SecretStore) -> Facts:
    """Ask all servers and the gateway at once, then the active node for its votes."""
    questions: dict[str, Callable[[], VaultServer]] = {
        name: lambda name=name: _server(transport, name)  # type: ignore[misc]
        for name in (UNSEAL, *NODES, ROLE)
    }
    seen = together(questions)
    facts = Facts(
        unseal=seen[UNSEAL],
        nodes=tuple(seen[name] for name in NODES),
        routed=seen[ROLE].active,
        cut=any(word in PendingOperations(secrets=secrets) for word in UNFINISHED),
    )
    if facts.active is None or not all(node.unsealed for node in facts.nodes):
        return facts
    return replace(facts, tolerance=_tolerance(transport, facts.active.name, secrets.read(APP_TOKEN)))


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. One active node behind the gateway is enough to seed."""
    seedable = facts.active is not None and facts.routed and not facts.cut
    return Readiness(missing=_missing(facts), seedable=seedable)


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per server."""
    rows = [_row(node, facts) for node in facts.nodes]
    transit = ServiceStatus(
        service=UNSEAL,
        role="seal" if facts.unseal.answers else "",
        state=facts.unseal.state,
        ok=facts.unseal.unsealed,
    )
    return (*rows, transit)


def unsealed(rows: Sequence[ServiceStatus]) -> str:
    """What is missing until every server is unsealed, for ``wait --for unsealed``. Pure."""
    if not rows:
        return "none of its servers answers"
    sealed = [row.service for row in rows if "sealed" in row.state.split() or row.state == "down"]
    return f"{_join(sealed)} sealed or down" if sealed else ""


def _missing(facts: Facts) -> str:
    if not facts.unseal.unsealed:
        return _of_unseal(facts.unseal)
    if trouble := _of_nodes(facts.nodes):
        return trouble
    if facts.cut:
        return "an interrupted initialization is not finished yet"
    return _of_lead(facts) or _of_votes(facts)


def _of_lead(facts: Facts) -> str:
    active = [node.name for node in facts.nodes if node.active]
    if not active:
        return "no node is active yet"
    if len(active) > 1:
        return f"more than one node is active: {_join(active)}"
    return "" if facts.routed else f"{ROLE} does not route to {active[0]} yet"


def _of_votes(facts: Facts) -> str:
    if facts.tolerance is None:
        return "the active node does not report its voters yet"
    return (
        "" if facts.tolerance else "fewer than three nodes vote: a new node votes after it was healthy for some seconds"
    )


def _of_unseal(server: VaultServer) -> str:
    words = {"down": "does not answer yet", "not initialized": "is not initialized yet", "sealed": "is sealed"}
    return f"{server.name} {words[server.state]}"


def _of_nodes(servers: Sequence[VaultServer]) -> str:
    """What the three lack, the gravest first."""
    by_state: dict[str, list[str]] = {}
    for server in servers:
        by_state.setdefault(server.state, []).append(server.name)
    if down := by_state.get("down"):
        return f"{_join(down)} {'does' if len(down) == 1 else 'do'} not answer yet"
    if len(new := by_state.get("not initialized", [])) == len(servers):
        return "none of the nodes is initialized yet"
    if sealed := by_state.get("sealed"):
        return f"{_join(sealed)} {'is' if len(sealed) == 1 else 'are'} sealed"
    return f"{_join(new)} {'has' if len(new) == 1 else 'have'} not joined yet" if new else ""


def _row(server: VaultServer, facts: Facts) -> ServiceStatus:
    role = ("active" if server.active else "standby") if server.unsealed else ""
    detail = ""
    if server.active and facts.tolerance is not None:
        detail = "all three vote" if facts.tolerance else "not all three vote"
    return ServiceStatus(service=server.name, role=role, state=server.state, detail=detail, ok=server.unsealed)


def _server(transport: Transport, name: str) -> VaultServer:
    """A server by its health; whatever has no proper health does not answer."""
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
    """Without a token (before the first seeding) nobody is told."""
    api = Api(transport=transport, server=active, token=token, timeout=_TIMEOUT)
    try:
        response = api.ask("GET", "sys/metrics?format=prometheus")
    except OSError:
        return None
    found = _TOLERANCE.search(response.text)
    return int(found[1]) if found else None


def _join(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
