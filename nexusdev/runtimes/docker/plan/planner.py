"""Plans the steps from the observed to the desired state. Pure.

Decisions that are not in the types:

- A container with the instance's labels and another name (renamed by hand, duplicated) is removed and created again under its own name. Its
  data is in volumes, so nothing is lost; adopting it would leave a name that neither users nor other tools expect.
- Volumes that the stack no longer mentions are kept: only ``destroy`` removes data.
- A start waits for every removal of the plan: a port or an address may have moved from one service to another.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from nexusdev.plan import Plan
from nexusdev.runtimes.docker.plan.decision import KEEP, Decision, DiffContext, ServiceAction, decide
from nexusdev.runtimes.docker.plan.ownership import refuse_strangers, require_ownership
from nexusdev.runtimes.docker.plan.snapshot import Container, Snapshot
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.docker.plan.teardown import one_off_removals, removals
from nexusdev.stack.model import Service, Stack
from nexusdev.stack.order import closure, ordered


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
    """Plan the steps after which the stack runs as described. Pure: computes the plan from the snapshot.

    Args:
        stack: The desired stack.
        snapshot: The existing resources of the instance.
        fingerprints: Service → hash of its definition and files. A service whose container has another one is recreated.
        owner_path: The project folder, compared with the labels of the existing resources.
        only: Limit the plan to these components and what they need; other services are not changed, unless the network is recreated.
        unwanted: Service whose container is removed → why.
        former: Earlier paths of a moved project folder, which labels still have.

    Returns:
        The steps in order; an empty plan if the stack runs already.

    Raises:
        IdentityMismatch: The resources belong to another folder, or a container of another owner has a required name.
        PreflightFailed: The network must be recreated, but containers outside the instance use it.
    """
    unwanted = unwanted or {}
    new_network = bool(_network_change(stack, snapshot))
    wanted = _wanted(stack, snapshot, only, new_network=new_network) - set(unwanted)
    names = _names(stack, wanted - set(snapshot.containers))
    require_ownership(snapshot, owner_path, wanted=names, former=former)
    services = ordered({name: service for name, service in stack.services.items() if name in wanted})
    context = _decided(services, stack, snapshot, fingerprints, new_network=new_network)
    removed = removals(_gone(context, unwanted, everything=only is None or new_network))
    if new_network:
        removed += one_off_removals(snapshot, "it is on the network, which is recreated")
    removed_subjects = tuple(step.resource for step in removed)
    steps = [
        *removed,
        *_network_steps(stack, snapshot, removed_subjects),
        *_volume_steps(stack, snapshot, services),
    ]
    for service in services:
        steps += _service_steps(service, context.decisions[service.name], context, removed_subjects)
    made = Plan(steps=tuple(steps))
    refuse_strangers(made, snapshot, command="up")
    return made


def _names(stack: Stack, services: Collection[str]) -> Mapping[str, str]:
    """Return service → the name that its container has or will have, in Compose's format."""
    return {name: f"{stack.project}-{name}-1" for name in services}


def _wanted(stack: Stack, snapshot: Snapshot, only: Collection[str] | None, *, new_network: bool) -> frozenset[str]:
    """Return the services that the plan covers."""
    if only is None:
        return frozenset(stack.services)
    selected = {service.name for service in stack.services.values() if service.component in only}
    if new_network:
        selected |= set(snapshot.containers)
    return closure(stack.services, selected)


def _decided(
    services: Sequence[Service], stack: Stack, snapshot: Snapshot, fingerprints: Mapping[str, str], *, new_network: bool
) -> DiffContext:
    """Return the context with the decision for each of these services. A decision may depend on those before it."""
    decisions: dict[str, Decision] = {}
    context = DiffContext(
        stack=stack, snapshot=snapshot, fingerprints=fingerprints, new_network=new_network, decisions=decisions
    )
    for service in services:
        decisions[service.name] = decide(service, context)
    return context


def _gone(context: DiffContext, unwanted: Mapping[str, str], *, everything: bool) -> list[tuple[Container, str, str]]:
    """Return the containers to remove, each with its subject and reason."""
    stack, snapshot, decisions = context.stack, context.snapshot, context.decisions
    gone = [
        (orphan, orphan.name, f"it is labeled as {orphan.service or 'ours'} but has another name")
        for orphan in snapshot.orphans
        if everything or orphan.service in decisions
    ]
    for name, container in snapshot.containers.items():
        decision = decisions.get(name, KEEP)
        if decision.action is ServiceAction.RECREATE:
            gone.append((container, name, decision.reason))
        elif name in unwanted:
            gone.append((container, name, unwanted[name]))
        elif name not in stack.services and everything:
            gone.append((container, name, "it is no longer in the stack"))
    return gone


def _network_change(stack: Stack, snapshot: Snapshot) -> str:
    """Return why the network must be recreated, or ''. If only its dynamic address range differs and other containers use it, it is kept."""
    existing, wanted = snapshot.network, stack.network
    if existing is None:
        return ""
    if existing.subnet != wanted.subnet:
        return f"its subnet is {existing.subnet}, not {wanted.subnet}"
    if existing.ip_range != wanted.ip_range and not existing.strangers:
        return f"its range of dynamic addresses is {existing.ip_range or existing.subnet}, not {wanted.ip_range or wanted.subnet}"
    return ""


def _network_steps(stack: Stack, snapshot: Snapshot, removed: tuple[str, ...]) -> list[DockerStep]:
    name = stack.network.name
    if snapshot.network is None:
        return [DockerStep(action=Action.CREATE_NETWORK, resource=name, reason="it does not exist")]
    reason = _network_change(stack, snapshot)
    if not reason:
        return []
    return [
        DockerStep(
            action=Action.REMOVE_NETWORK, resource=name, reason=reason, target=snapshot.network.id, after=removed
        ),
        DockerStep(action=Action.CREATE_NETWORK, resource=name, reason=reason),
    ]


def _volume_steps(stack: Stack, snapshot: Snapshot, services: Collection[Service]) -> list[DockerStep]:
    needed = {mount.volume for service in services for mount in service.volumes}
    return [
        DockerStep(action=Action.CREATE_VOLUME, resource=volume, reason="it does not exist")
        for volume in stack.volumes
        if volume in needed and volume not in snapshot.volumes
    ]


def _service_steps(
    service: Service, decision: Decision, context: DiffContext, removed: tuple[str, ...]
) -> list[DockerStep]:
    """Return the steps of one service, after those of its dependencies."""
    before = tuple(dict.fromkeys(((service.shares,) if service.shares else ()) + service.depends_on + removed))
    start = DockerStep(action=Action.START, resource=service.name, reason=decision.reason, after=before)
    if decision.is_recreate:
        return [_creation(service, decision, context), start]
    if decision.action is ServiceAction.KEEP:
        return []
    target = context.snapshot.containers[service.name].id
    existing = DockerStep(
        action=Action.START, resource=service.name, reason=decision.reason, target=target, after=before
    )
    match decision.action:
        case ServiceAction.UNPAUSE:
            return [DockerStep(action=Action.UNPAUSE, resource=service.name, reason=decision.reason, target=target)]
        case ServiceAction.RESTART:
            return [
                DockerStep(action=Action.STOP, resource=service.name, reason=decision.reason, target=target),
                existing,
            ]
        case _:
            return [existing]


def _creation(service: Service, decision: Decision, context: DiffContext) -> DockerStep:
    """Return the creation step. It comes after its network, its volumes, its namespace owner, and the removal of duplicates of the service."""
    orphans = tuple(orphan.name for orphan in context.snapshot.orphans if orphan.service == service.name)
    volumes = tuple(mount.volume for mount in service.volumes)
    return DockerStep(
        action=Action.CREATE,
        resource=service.name,
        reason=decision.reason,
        service=service,
        fingerprint=context.fingerprints[service.name],
        after=(service.shares or context.stack.network.name, *volumes, *orphans),
    )
