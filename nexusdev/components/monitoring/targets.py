"""The scrape targets of Prometheus: which services each needs, and the result of its last scrape. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct, field

from nexusdev.components.contract import Component
from nexusdev.components.monitoring import names
from nexusdev.stack.topology import Topology

_FEW = 3
UP, DOWN = "up", "down"
# The target for the machine itself, as in compose/monitoring/prometheus.yml.
_MACHINE = "machine"


class DeclaredTargets(Struct, frozen=True, kw_only=True):
    """What the components of a stack declare about their targets.

    Attributes:
        through: Job → the services that its targets are asked through.
        roles: Role name that is a target → the services that must exist for it to answer.
        silent: Series that are 0 if the exporter answers but its target does not.
        unscraped: Services that need no target.
        machine: The service that answers for the machine itself; '' if there is none.
    """

    through: Mapping[str, frozenset[str]] = field(default_factory=dict)
    roles: Mapping[str, frozenset[str]] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    unscraped: frozenset[str] = frozenset()
    machine: str = ""


def declared(components: Mapping[str, Component], topology: Topology) -> DeclaredTargets:
    """Merge what these components declare, with the services of the stack in the place of groups."""
    own = {name: each.scrape_targets for name, each in components.items() if topology.of_component(name)}
    return DeclaredTargets(
        through={
            job: frozenset(service for group in groups for service in topology.members(name, group))
            for name, one in own.items()
            for job, groups in one.through.items()
        },
        roles={
            role: frozenset({topology.service_of(role), topology.members(name, group)[0]})
            for name, one in own.items()
            for role, group in one.roles.items()
        },
        silent=tuple(series for one in own.values() for series in one.silent),
        unscraped=frozenset(
            service for name, one in own.items() for group in one.unscraped for service in topology.members(name, group)
        )
        | {name for name, each in topology.services.items() if each.own and each.own.scrape is None},
        machine=next(iter(topology.members(names.NAME, names.NODE_EXPORTER)), ""),
    )


def silent_query(declared: DeclaredTargets) -> str:
    """PromQL: a series for each target whose exporter answers although its server does not."""
    return " or ".join(f"{name} == 0" for name in declared.silent)


def lost_query(declared: DeclaredTargets) -> str:
    """PromQL: the same for targets that have not answered for a minute, which is the time that a server gets to start."""
    return " or ".join(f"(max_over_time({name}[1m]) == 0 and {name} offset 1m)" for name in ("up", *declared.silent))


class Target(Struct, frozen=True, kw_only=True):
    """What is scraped.

    Attributes:
        health: ``up``, ``down`` or ``unknown`` (not scraped yet).
        lost: Down, and for longer than a start takes.
        declared: What the components declare about their targets.
    """

    job: str
    instance: str
    health: str
    error: str = ""
    lost: bool = False
    declared: DeclaredTargets = DeclaredTargets()

    @property
    def is_up(self) -> bool:
        return self.health == UP

    @property
    def about(self) -> frozenset[str]:
        """The services that its metrics describe. A role name describes no service in particular."""
        if self.instance in self.declared.roles:
            return frozenset()
        if self.instance == _MACHINE:
            return frozenset({self.declared.machine} - {""})
        return self.declared.through.get(self.job, frozenset()) | {self.instance}

    @property
    def needs(self) -> frozenset[str]:
        """The services without which it cannot answer."""
        return self.declared.roles.get(self.instance) or self.about


Key = tuple[str, str]


def parse(
    reply: Mapping[str, Any], declared: DeclaredTargets, *, silent: Sequence[Key] = (), lost: Sequence[Key] = ()
) -> tuple[Target, ...]:
    """The targets in the reply of ``/api/v1/targets``, sorted by job and instance. ``silent``, ``lost``: (job, instance)."""
    targets = (_target(each, declared, frozenset(silent), frozenset(lost)) for each in reply["data"]["activeTargets"])
    return tuple(sorted(targets, key=lambda target: (target.job, target.instance)))


def _target(
    reply: Mapping[str, Any], declared: DeclaredTargets, silent: frozenset[Key], lost: frozenset[Key]
) -> Target:
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
