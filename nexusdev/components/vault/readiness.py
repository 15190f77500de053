"""Readiness of Vault: all nodes unsealed, one of them active, all voting, and the gateway routes to the active one. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nexusdev.components.contract import Readiness
from nexusdev.components.vault.names import ROLE
from nexusdev.util.humanize import join_names


class VaultServer(Struct, frozen=True, kw_only=True):
    """One server, as it reports itself. All false: it does not answer."""

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

    Attributes:
        unseal: The node that unseals the others.
        nodes: The others.
        routed: The gateway leads to an active node.
        tolerance: How many voters may fail, as the active node reports (1 of three if all vote); None if it reports nothing.
        cut: An initialization was interrupted and must be finished first.
    """

    unseal: VaultServer
    nodes: tuple[VaultServer, ...]
    routed: bool = False
    tolerance: int | None = None
    cut: bool = False

    @property
    def all_vote(self) -> bool:
        """Whether as many voters may fail as when every node votes."""
        return self.tolerance is not None and self.tolerance >= (len(self.nodes) - 1) // 2

    @property
    def active(self) -> VaultServer | None:
        """The one active node; None when there is none or more than one."""
        found = [node for node in self.nodes if node.active]
        return found[0] if len(found) == 1 else None


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. One active node behind the gateway is enough to seed."""
    seedable = facts.active is not None and facts.routed and not facts.cut
    return Readiness(missing=_missing(facts), seedable=seedable)


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
        return f"more than one node is active: {join_names(active)}"
    return "" if facts.routed else f"{ROLE} does not route to {active[0]} yet"


def _of_votes(facts: Facts) -> str:
    if facts.tolerance is None:
        return "the active node does not report its voters yet"
    return "" if facts.all_vote else "not all nodes vote yet: a new node votes after it was healthy for some seconds"


def _of_unseal(server: VaultServer) -> str:
    words = {"down": "does not answer yet", "not initialized": "is not initialized yet", "sealed": "is sealed"}
    return f"{server.name} {words[server.state]}"


def _of_nodes(servers: Sequence[VaultServer]) -> str:
    """What the nodes lack, the gravest first."""
    by_state: dict[str, list[str]] = {}
    for server in servers:
        by_state.setdefault(server.state, []).append(server.name)
    if down := by_state.get("down"):
        return f"{join_names(down)} {'does' if len(down) == 1 else 'do'} not answer yet"
    if len(new := by_state.get("not initialized", [])) == len(servers):
        return "none of the nodes is initialized yet"
    if sealed := by_state.get("sealed"):
        return f"{join_names(sealed)} {'is' if len(sealed) == 1 else 'are'} sealed"
    return f"{join_names(new)} {'has' if len(new) == 1 else 'have'} not joined yet" if new else ""
