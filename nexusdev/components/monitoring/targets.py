"""What Prometheus scrapes: each target, the services that must be there for it to answer, and how it was asked last. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct

_FEW = 3
UP, DOWN = "up", "down"
# Role names that are targets, and the services that must exist for them to answer.
_ROLES: Mapping[str, frozenset[str]] = {"minio-api": frozenset({"gateway-rw", "minio-0"})}
# Job → the service that answers in the place of the one that it is about; {} is that one's number.
_THROUGH: Mapping[str, str] = {
    "postgres": "postgres-exporter-{}",
    "pgbouncer": "pgbouncer-exporter",
    "redis": "redis-exporter",
    "sentinel": "redis-exporter",
    "sentinel-relay": "redis-exporter",
}
_MACHINE, _OF_THE_MACHINE = "machine", "node-exporter"

#: Series with a value for each target whose exporter answers while what it is about does not.
SILENT = "redis_up == 0 or pg_up == 0 or pgbouncer_up == 0"
#: The same for those that have not answered for a whole minute: a part that starts is given as long.
LOST = " or ".join(
    f"(max_over_time({name}[1m]) == 0 and {name} offset 1m)" for name in ("up", "redis_up", "pg_up", "pgbouncer_up")
)


class Target(Struct, frozen=True, kw_only=True):
    """What is scraped; ``health``: up, down, unknown (not scraped yet). ``lost``: down, and for longer than a start takes."""

    job: str
    instance: str
    health: str
    error: str = ""
    lost: bool = False

    @property
    def is_up(self) -> bool:
        return self.health == UP

    @property
    def about(self) -> frozenset[str]:
        """The services that its answer tells of. A role's answer tells of none in particular."""
        if self.instance in _ROLES:
            return frozenset()
        if self.instance == _MACHINE:
            return frozenset({_OF_THE_MACHINE})
        through = _THROUGH.get(self.job, "")
        return frozenset({self.instance, through.format(self.instance.rpartition("-")[2])} - {""})

    @property
    def needs(self) -> frozenset[str]:
        """The services without which it cannot answer."""
        return _ROLES.get(self.instance) or self.about


Key = tuple[str, str]


def parse(reply: Mapping[str, Any], *, silent: Sequence[Key] = (), lost: Sequence[Key] = ()) -> tuple[Target, ...]:
    """The targets in the reply of ``/api/v1/targets``, sorted by job and instance. ``silent``, ``lost``: (job, instance)."""
    targets = (_target(each, frozenset(silent), frozenset(lost)) for each in reply["data"]["activeTargets"])
    return tuple(sorted(targets, key=lambda target: (target.job, target.instance)))


def _target(reply: Mapping[str, Any], silent: frozenset[Key], lost: frozenset[Key]) -> Target:
    key = (reply["labels"]["job"], reply["labels"]["instance"])
    if reply["health"] == UP and key in silent:
        return Target(
            job=key[0], instance=key[1], health=DOWN, error="its exporter gets no answer from it", lost=key in lost
        )
    health = reply["health"]
    return Target(
        job=key[0],
        instance=key[1],
        health=health,
        error=reply.get("lastError", ""),
        lost=health == DOWN and key in lost,
    )


def keys(reply: Mapping[str, Any], mark: str) -> tuple[Key, ...]:
    """(job, instance) of the series of an instant query whose label ``what`` has this value."""
    return tuple(
        (each["metric"]["job"], each["metric"]["instance"])
        for each in reply["data"]["result"]
        if each["metric"]["what"] == mark
    )


def named(targets: Sequence[Target]) -> str:
    """``patroni (postgresql-1, postgresql-2), vault (vault-0)``; of many, only that there are many."""
    if len(targets) > _FEW:
        return "several targets"
    grouped = groupby(targets, key=lambda target: target.job)
    return ", ".join(f"{job} ({', '.join(target.instance for target in several)})" for job, several in grouped)
