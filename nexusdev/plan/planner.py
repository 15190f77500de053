"""From what is wanted and what is there to the steps between: everything of the stack runs, nothing else carries our labels. Pure.

Decisions that are not in the types:

- A container with our labels and another name (renamed by hand, doubled) is removed and made anew under its own name. Its
  data is in volumes, so nothing is lost; adopting it would leave a name that neither people nor other tools look for.
- Volumes that the stack does not mention any more stay: data is removed by ``destroy`` alone.
- A start waits for every removal of the plan: a port or an address may have moved from one service to another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nexusdev.plan.claims import refuse_foreign, refuse_strangers
from nexusdev.plan.snapshot import Container, Snapshot
from nexusdev.plan.steps import Act, Plan, Step
from nexusdev.plan.teardown import one_off_removals, plan_down, removals
from nexusdev.plan.verbs import plan_restart, plan_start, plan_stop
from nexusdev.plan.verdict import KEEP, Move, Scene, Verdict, decide
from nexusdev.stack.model import Service, Stack
from nexusdev.stack.order import closure, ordered

__all__ = ["plan", "plan_down", "plan_restart", "plan_start", "plan_stop"]


def plan(
    stack: Stack,
    snapshot: Snapshot,
    *,
    fingerprints: Mapping[str, str],
    owner_path: str,
    only: Collection[str] | None = None,
    unwanted: Mapping[str, str] | None = None,
    former: Collection[str] = (),
) -> Plan:
    """The steps after which the stack runs as described; none when it does already.

    only      these components and what they need; all others are left as they are (but a network made anew concerns all)
    unwanted  services whose containers go nevertheless, and why
    former    paths that the owner's folder had before it was moved
    Raises IdentityMismatch; PreflightFailed where somebody else uses a network that has to be made anew.
    """
    unwanted = unwanted or {}
    new_network = snapshot.network is not None and snapshot.network.subnet != stack.network.subnet
    wanted = _wanted(stack, snapshot, only, new_network=new_network) - set(unwanted)
    names = _names(stack, wanted - set(snapshot.containers))
    refuse_foreign(snapshot, owner_path, wanted=names, former=former)
    services = ordered({name: service for name, service in stack.services.items() if name in wanted})
    verdicts: dict[str, Verdict] = {}
    scene = Scene(stack=stack, snapshot=snapshot, fingerprints=fingerprints, new_network=new_network, decided=verdicts)
    for service in services:
        verdicts[service.name] = decide(service, scene)
    gone = _gone(stack, snapshot, verdicts, unwanted, everything=only is None or new_network)
    removed = removals(gone)
    if new_network:
        removed += one_off_removals(snapshot, "it is on the network, which is made anew")
    removed_subjects = tuple(step.subject for step in removed)
    steps = [
        *removed,
        *_network_steps(stack, snapshot, removed_subjects),
        *_volume_steps(stack, snapshot, services),
    ]
    for service in services:
        steps += _service_steps(service, verdicts[service.name], scene, removed_subjects)
    made = Plan(steps=tuple(steps))
    refuse_strangers(made, snapshot, command="up")
    return made


def _names(stack: Stack, services: Collection[str]) -> Mapping[str, str]:
    """Service → the name that its container has or will have, as Compose gives it."""
    return {name: f"{stack.project}-{name}-1" for name in services}


def _wanted(stack: Stack, snapshot: Snapshot, only: Collection[str] | None, *, new_network: bool) -> frozenset[str]:
    """The services that this plan is about."""
    if only is None:
        return frozenset(stack.services)
    chosen = {service.name for service in stack.services.values() if service.component in only}
    if new_network:
        chosen |= set(snapshot.containers)
    return closure(stack.services, chosen)


def _gone(
    stack: Stack,
    snapshot: Snapshot,
    verdicts: Mapping[str, Verdict],
    unwanted: Mapping[str, str],
    *,
    everything: bool,
) -> list[tuple[Container, str, str]]:
    """The containers to remove, each with its subject and reason."""
    gone = [
        (stray, stray.name, f"it claims to be {stray.service or 'ours'}, but has another name")
        for stray in snapshot.strays
        if everything or stray.service in verdicts
    ]
    for name, container in snapshot.containers.items():
        verdict = verdicts.get(name, KEEP)
        if verdict.move is Move.RECREATE:
            gone.append((container, name, verdict.because))
        elif name in unwanted:
            gone.append((container, name, unwanted[name]))
        elif name not in stack.services and everything:
            gone.append((container, name, "it is not in the stack any more"))
    return gone


def _network_steps(stack: Stack, snapshot: Snapshot, removed: tuple[str, ...]) -> list[Step]:
    name = stack.network.name
    if snapshot.network is None:
        return [Step(act=Act.CREATE_NETWORK, subject=name, because="it is not there")]
    if snapshot.network.subnet == stack.network.subnet:
        return []
    because = f"its subnet is {snapshot.network.subnet}, not {stack.network.subnet}"
    return [
        Step(act=Act.REMOVE_NETWORK, subject=name, because=because, target=snapshot.network.id, after=removed),
        Step(act=Act.CREATE_NETWORK, subject=name, because=because),
    ]


def _volume_steps(stack: Stack, snapshot: Snapshot, services: Collection[Service]) -> list[Step]:
    needed = {mount.volume for service in services for mount in service.volumes}
    return [
        Step(act=Act.CREATE_VOLUME, subject=volume, because="it is not there")
        for volume in stack.volumes
        if volume in needed and volume not in snapshot.volumes
    ]


def _service_steps(service: Service, verdict: Verdict, scene: Scene, removed: tuple[str, ...]) -> list[Step]:
    """The steps of one service, behind those of what it needs."""
    before = tuple(dict.fromkeys(((service.shares,) if service.shares else ()) + service.depends_on + removed))
    start = Step(act=Act.START, subject=service.name, because=verdict.because, after=before)
    if verdict.made_anew:
        return [_creation(service, verdict, scene), start]
    if verdict.move is Move.KEEP:
        return []
    target = scene.snapshot.containers[service.name].id
    there = Step(act=Act.START, subject=service.name, because=verdict.because, target=target, after=before)
    match verdict.move:
        case Move.UNPAUSE:
            return [Step(act=Act.UNPAUSE, subject=service.name, because=verdict.because, target=target)]
        case Move.RESTART:
            return [Step(act=Act.STOP, subject=service.name, because=verdict.because, target=target), there]
        case _:
            return [there]


def _creation(service: Service, verdict: Verdict, scene: Scene) -> Step:
    """After its network, its volumes, the owner of its namespace, and whatever else claimed to be this service."""
    strays = tuple(stray.name for stray in scene.snapshot.strays if stray.service == service.name)
    volumes = tuple(mount.volume for mount in service.volumes)
    return Step(
        act=Act.CREATE,
        subject=service.name,
        because=verdict.because,
        service=service,
        fingerprint=scene.fingerprints[service.name],
        after=(service.shares or scene.stack.network.name, *volumes, *strays),
    )
