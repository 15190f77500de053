"""The way to nothing: what shares a network goes before its owner, the network last; by what carries our labels alone. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.plan.snapshot import Container, Snapshot
from nexusdev.plan.steps import Act, Plan, Step


def plan_down(snapshot: Snapshot, *, volumes: bool, because: str = "") -> Plan:
    """The steps after which no container and no network is left, and with ``volumes`` no data either. Needs no stack."""
    reason = because or ("the instance is destroyed" if volumes else "the instance goes down")
    containers = [(container, name, reason) for name, container in snapshot.containers.items()]
    strays = [(container, container.name, reason) for container in snapshot.strays]
    steps = removals([*containers, *strays])
    removed = tuple(step.subject for step in steps)
    if snapshot.network:
        steps.append(_removal(Act.REMOVE_NETWORK, "nexus", snapshot.network.id, reason, removed))
    if volumes:
        steps += [
            _removal(Act.REMOVE_VOLUME, name, volume.full_name, reason, removed)
            for name, volume in snapshot.volumes.items()
        ]
    return Plan(steps=tuple(steps))


def _removal(act: Act, subject: str, target: str, because: str, after: tuple[str, ...]) -> Step:
    return Step(act=act, subject=subject, because=because, target=target, after=after)


def removals(gone: Sequence[tuple[Container, str, str]]) -> list[Step]:
    """Steps that remove containers, each given with subject and reason: who shares a network goes before its owner."""
    sharers: dict[str, list[str]] = {}
    for container, subject, _ in gone:
        sharers.setdefault(container.namespace_of, []).append(subject)
    return [
        Step(
            act=Act.REMOVE,
            subject=subject,
            because=because,
            target=container.id,
            after=tuple(sharers.get(container.id, ())),
        )
        for container, subject, because in sorted(gone, key=lambda each: not each[0].namespace_of)
    ]
