"""Is every part watched? Each target whose service exists in this run must have been scraped with success."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from nexusdev.components.contract import Node, Readiness
from nexusdev.components.https import get
from nexusdev.ports import Site

SERVICE = "prometheus"
_FEW = 3
PORT = 9090
_OK, _STARTING = 200, 503
# Role names that are targets, and the services that must exist for them to answer.
_ROLES: Mapping[str, frozenset[str]] = {"minio-api": frozenset({"gateway-rw", "minio-0"})}


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is scraped; ``health`` in Prometheus's words: up, down, unknown (not scraped yet)."""

    job: str
    instance: str
    health: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What Prometheus told. ``services``: those that exist in this run."""

    trouble: str = ""
    targets: tuple[Target, ...] = ()
    services: frozenset[str] = frozenset()

    @property
    def wanted(self) -> tuple[Target, ...]:
        """The targets that must be up here."""
        return tuple(
            each for each in self.targets if _ROLES.get(each.instance, frozenset({each.instance})) <= self.services
        )


def look(site: Site) -> Facts:
    """Ask Prometheus for its targets and the runtime for what exists."""
    try:
        answer = get(site.address(SERVICE, PORT), "/api/v1/targets?state=active", site=site)
    except OSError:
        return Facts(trouble="prometheus does not answer")
    if answer.status != _OK:
        return Facts(
            trouble="prometheus reads its data" if answer.status == _STARTING else f"prometheus says {answer.status}"
        )
    try:
        targets = parse(answer.json())
    except (ValueError, KeyError, TypeError) as error:
        return Facts(trouble=f"prometheus told its targets in another way than expected: {error!r}")
    return Facts(targets=targets, services=frozenset(site.runtime.observe().containers))


def parse(told: Mapping[str, object]) -> tuple[Target, ...]:
    """The targets in the reply of ``/api/v1/targets``, sorted by job and instance."""
    data = told["data"]
    listed = data["activeTargets"] if isinstance(data, dict) else ()
    targets = (
        Target(
            job=each["labels"]["job"],
            instance=each["labels"]["instance"],
            health=each["health"],
            error=each.get("lastError", ""),
        )
        for each in listed
    )
    return tuple(sorted(targets, key=lambda target: (target.job, target.instance)))


def judge(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. Names what is down."""
    if facts.trouble:
        return Readiness(missing=facts.trouble)
    if not facts.wanted:
        return Readiness(missing="prometheus has no targets yet")
    down = [target for target in facts.wanted if target.health == "down"]
    waiting = [target for target in facts.wanted if target.health not in ("up", "down")]
    sentences = [
        f"{_names(several)} {what}" for several, what in ((down, "down"), (waiting, "not scraped yet")) if several
    ]
    return Readiness(missing="; ".join(sentences))


def nodes(facts: Facts) -> Sequence[Node]:
    """One row: how many targets are up."""
    if facts.trouble:
        return (Node(service=SERVICE, detail=facts.trouble),)
    up = sum(target.health == "up" for target in facts.wanted)
    every = up == len(facts.wanted) > 0
    return (
        Node(
            service=SERVICE, role="server", state="running", detail=f"{up} of {len(facts.wanted)} targets up", ok=every
        ),
    )


def _names(targets: Sequence[Target]) -> str:
    """``patroni (postgresql-1, postgresql-2), vault (vault-0)``; of many, only that there are many."""
    if len(targets) > _FEW:
        return "several targets"
    grouped = groupby(targets, key=lambda target: target.job)
    return ", ".join(f"{job} ({', '.join(target.instance for target in several)})" for job, several in grouped)
