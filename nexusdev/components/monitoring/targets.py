"""The scrape targets of Prometheus: which services each needs, and the result of its last scrape. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct

from nexusdev.components.contract import Component, ScrapeTargets

_FEW = 3
UP, DOWN = "up", "down"
# The target that is the machine itself.
_MACHINE, _OF_THE_MACHINE = "machine", "node-exporter"


def declared(components: Mapping[str, Component]) -> ScrapeTargets:
    """What these components declare of their targets, as one."""
    each = [component.scrape_targets for component in components.values()]
    return ScrapeTargets(
        through={job: service for one in each for job, service in one.through.items()},
        roles={role: services for one in each for role, services in one.roles.items()},
        silent=tuple(series for one in each for series in one.silent),
    )


def silent_query(declared: ScrapeTargets) -> str:
    """PromQL: a series for each target whose exporter answers while what it is about does not."""
    return " or ".join(f"{name} == 0" for name in declared.silent)


def lost_query(declared: ScrapeTargets) -> str:
    """PromQL: the same for those that have not answered for a whole minute: a part that starts is given as long."""
    return " or ".join(f"(max_over_time({name}[1m]) == 0 and {name} offset 1m)" for name in ("up", *declared.silent))


class Target(Struct, frozen=True, kw_only=True):
    """What is scraped.

    health    up, down, unknown (not scraped yet)
    lost      down, and for longer than a start takes
    declared  what the components say of their targets
    """

    job: str
    instance: str
    health: str
    error: str = ""
    lost: bool = False
    declared: ScrapeTargets = ScrapeTargets()

    @property
    def is_up(self) -> bool:
        return self.health == UP

    @property
    def about(self) -> frozenset[str]:
        """The services that its answer tells of. A role's answer tells of none in particular."""
        if self.instance in self.declared.roles:
            return frozenset()
        if self.instance == _MACHINE:
            return frozenset({_OF_THE_MACHINE})
        through = self.declared.through.get(self.job, "")
        return frozenset({self.instance, through.format(self.instance.rpartition("-")[2])} - {""})

    @property
    def needs(self) -> frozenset[str]:
        """The services without which it cannot answer."""
        return self.declared.roles.get(self.instance) or self.about


Key = tuple[str, str]


def parse(
    reply: Mapping[str, Any], declared: ScrapeTargets, *, silent: Sequence[Key] = (), lost: Sequence[Key] = ()
) -> tuple[Target, ...]:
    """The targets in the reply of ``/api/v1/targets``, sorted by job and instance. ``silent``, ``lost``: (job, instance)."""
    targets = (_target(each, declared, frozenset(silent), frozenset(lost)) for each in reply["data"]["activeTargets"])
    return tuple(sorted(targets, key=lambda target: (target.job, target.instance)))


def _target(reply: Mapping[str, Any], declared: ScrapeTargets, silent: frozenset[Key], lost: frozenset[Key]) -> Target:
    key = (reply["labels"]["job"], reply["labels"]["instance"])
    health, error = reply["health"], reply.get("lastError", "")
    if health == UP and key in silent:
        health, error = DOWN, "it does not answer its exporter"
    return Target(
        job=key[0],
        instance=key[1],
        health=health,
        error=error,
        lost=health == DOWN and key in lost,
        declared=declared,
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
