"""Plans an intent on a Docker engine: chooses the planner, and adds to its steps what other modules need to know. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from nexusdev.plan import Discard, Down, Halt, Intent, Plan, Removed, RemoveOneOffs, Restart, Start, Step, Stop, Up
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.docker.plan.lifecycle import plan_halt, plan_restart, plan_start, plan_stop
from nexusdev.runtimes.docker.plan.ownership import refuse_strangers
from nexusdev.runtimes.docker.plan.planner import plan
from nexusdev.runtimes.docker.plan.snapshot import Snapshot
from nexusdev.runtimes.docker.plan.steps import Action, docker_step
from nexusdev.runtimes.docker.plan.teardown import plan_discard, plan_down, remove_one_offs, without

_STARTS = frozenset({Action.START, Action.UNPAUSE})
_ENDS = frozenset({Action.STOP, Action.REMOVE})
_REMOVES: Mapping[Action, Removed] = {
    Action.REMOVE: "containers",
    Action.REMOVE_NETWORK: "networks",
    Action.REMOVE_VOLUME: "volumes",
}


def plan_for(intent: Intent, snapshot: Snapshot, *, owner_path: str) -> Plan:
    """Return the steps that fulfil an intent.

    Args:
        intent: The requested change.
        snapshot: The existing resources of the instance.
        owner_path: The project folder of this command.

    Raises:
        IdentityMismatch: The instance belongs to another folder, or a required container name is used by a container of another owner.
        NotFound: A named service has no container, or the network of a container to start no longer exists.
        PreflightFailed, TeardownIncomplete: Containers outside the instance use a network or volume that would be removed.
    """
    components = {name: each.component for name, each in snapshot.containers.items()}
    if isinstance(intent, Up):
        components |= {name: each.component for name, each in intent.stack.services.items()}
    made = _planned(intent, snapshot, owner_path)
    return Plan(steps=tuple(_told(step, components) for step in made.steps))


def _planned(intent: Intent, snapshot: Snapshot, owner_path: str) -> Plan:  # noqa: PLR0911 - one per intent
    match intent:
        case Up():
            return _up(intent, snapshot, owner_path)
        case Down(volumes=volumes, reason=reason, command=command):
            return _unused(plan_down(snapshot, volumes=volumes, cause=reason), snapshot, command)
        case Discard(services=services, reason=reason, command=command):
            return _unused(plan_discard(snapshot, services, cause=reason), snapshot, command)
        case Stop(services=named):
            return plan_stop(snapshot, named)
        case Start(services=named):
            return _startable(plan_start(snapshot, named), snapshot)
        case Restart(services=named):
            return _startable(plan_restart(snapshot, named), snapshot)
        case Halt(service=name, reason=reason):
            return plan_halt(snapshot, name, reason)
        case RemoveOneOffs(names=names, reason=reason):
            return remove_one_offs(snapshot, names, reason)


def _up(intent: Up, snapshot: Snapshot, owner_path: str) -> Plan:
    first = plan_discard(snapshot, intent.discard, cause="its component starts with empty data")
    rest = plan(
        intent.stack,
        without(snapshot, first),
        fingerprints=intent.fingerprints,
        owner_path=owner_path,
        only=intent.only,
        unwanted=intent.unwanted,
        former=intent.former,
    )
    return Plan(steps=(*first.steps, *rest.steps))


def _startable(made: Plan, snapshot: Snapshot) -> Plan:
    """Raise an error for containers whose network was removed: they cannot start, and only ``up`` recreates them."""
    for step in made.steps:
        container = snapshot.containers.get(step.resource)
        if docker_step(step).action is not Action.START or container is None or container.namespace_of:
            continue
        if snapshot.network is None or not container.attached:
            raise docker_errors.network_gone(container.service)
    return made


def _unused(made: Plan, snapshot: Snapshot, command: str) -> Plan:
    refuse_strangers(made, snapshot, command=command)
    return made


def _told(step: Step, components: Mapping[str, str]) -> Step:
    """Return the step with its runtime-independent fields: component, started and stopped services, images, volumes."""
    own = docker_step(step)
    named = frozenset({own.resource})
    return replace(
        own,
        component=components.get(own.resource, "") if own.action in (*_STARTS, *_ENDS, Action.CREATE) else "",
        starts=named if own.action in _STARTS else frozenset(),
        ends=named if own.action in _ENDS else frozenset(),
        images=(own.service.image,) if own.action is Action.CREATE and own.service else (),
        makes_volumes=(own.resource,) if own.action is Action.CREATE_VOLUME else (),
        removes=_REMOVES.get(own.action, ""),
    )
