"""Plans ``stop``, ``start`` and ``restart`` of existing containers; needs no stack. Pure."""

from __future__ import annotations

from collections.abc import Collection

from nexusdev.errors import NotFound
from nexusdev.plan import Plan
from nexusdev.runtimes.docker.plan.decision import ended, outlived
from nexusdev.runtimes.docker.plan.snapshot import Container, Snapshot, State
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep
from nexusdev.runtimes.docker.plan.teardown import is_store
from nexusdev.util.nearest import nearest

_ALIVE = (State.RUNNING, State.PAUSED, State.RESTARTING)


def plan_stop(snapshot: Snapshot, services: Collection[str] | None = None) -> Plan:
    """Stop these services (default: all). Services that share their network are stopped first."""
    selected = _owners_first(_chosen(snapshot, services, with_sharers=True))
    return Plan(steps=tuple(_stops(snapshot, selected, "stop was requested")))


def plan_start(snapshot: Snapshot, services: Collection[str] | None = None) -> Plan:
    """Start or unpause these services (default: all), the owners of the networks that they share, and the services that share theirs."""
    selected = _chosen(snapshot, services, with_sharers=True, with_owners=True)
    steps: list[DockerStep] = []
    started: set[str] = set()
    for container in _owners_first(selected):
        owner = _owner(snapshot, container)
        begun = owner is not None and (owner.service in started or outlived(container, owner))
        own = _start_steps(container, owner, owner_started=begun)
        if any(step.action is Action.START for step in own):
            started.add(container.service)
        steps += own
    return Plan(steps=tuple(steps))


def plan_restart(snapshot: Snapshot, services: Collection[str] | None = None) -> Plan:
    """Stop and start these services (default: all), and the services that share their network."""
    selected = _owners_first(_chosen(snapshot, services, with_sharers=True))
    reason = "restart was requested"
    starts = [
        _step(
            Action.START, container, reason, after=(*_owner_name(snapshot, container), *_stores_of(container, selected))
        )
        for container in sorted(selected, key=lambda each: not is_store(each))
    ]
    return Plan(steps=(*_stops(snapshot, selected, reason), *starts))


def plan_halt(snapshot: Snapshot, service: str, reason: str) -> Plan:
    """Stop one container in any state, so that the engine does not restart it. The container is kept."""
    container = snapshot.containers.get(service)
    return Plan(steps=(_step(Action.STOP, container, reason),) if container else ())


def _stops(snapshot: Snapshot, selected: list[Container], reason: str) -> list[DockerStep]:
    """Stop sidecars before the owners of their network, and stores after the servers of their component."""
    stored = {container.component for container in selected if is_store(container)}
    return [
        _step(Action.STOP, container, reason, after=(*_sharers(snapshot, container), *_users_of(container, selected)))
        for container in sorted(
            selected, key=lambda each: (is_store(each), not each.namespace_of, each.component not in stored)
        )
        if container.state in _ALIVE
    ]


def _stores_of(container: Container, selected: list[Container]) -> list[str]:
    return [] if is_store(container) else [each.service for each in _relatives(container, selected) if is_store(each)]


def _users_of(container: Container, selected: list[Container]) -> list[str]:
    return (
        [each.service for each in _relatives(container, selected) if not is_store(each)] if is_store(container) else []
    )


def _relatives(container: Container, selected: list[Container]) -> list[Container]:
    return [each for each in selected if each.component == container.component]


def _start_steps(container: Container, owner: Container | None, *, owner_started: bool) -> list[DockerStep]:
    after = (owner.service,) if owner else ()
    match container.state:
        case State.RUNNING | State.PAUSED | State.RESTARTING if owner_started and owner:
            reason = f"it shares the network of {owner.service}, which was started after it"
            return [_step(Action.STOP, container, reason), _step(Action.START, container, reason, after=after)]
        case State.PAUSED:
            return [_step(Action.UNPAUSE, container, "it is paused")]
        case State.CREATED | State.EXITED:
            return [_step(Action.START, container, ended(container), after=after)]
    return []


def _step(action: Action, container: Container, reason: str, *, after: tuple[str, ...] = ()) -> DockerStep:
    return DockerStep(action=action, resource=container.service, reason=reason, target=container.id, after=after)


def _chosen(
    snapshot: Snapshot, services: Collection[str] | None, *, with_sharers: bool = False, with_owners: bool = False
) -> list[Container]:
    """Return the containers of these services, with those that share their network and the owners of the networks that they share."""
    if services is None:
        return list(snapshot.containers.values())
    names = set(services)
    for name in services:
        if name not in snapshot.containers:
            raise _not_found(name, snapshot)
        container = snapshot.containers[name]
        names |= set(_owner_name(snapshot, container)) if with_owners else set()
        names |= set(_sharers(snapshot, container)) if with_sharers else set()
    return [container for name, container in snapshot.containers.items() if name in names]


def _not_found(name: str, snapshot: Snapshot) -> NotFound:
    near = nearest(name, snapshot.containers)
    return NotFound(
        f"{name} has no container",
        why=f"existing: {', '.join(snapshot.containers) or 'none'}",
        hint=f"did you mean {near[0]}?" if near else "nexusdev up    create what is missing",
    )


def _owner(snapshot: Snapshot, container: Container) -> Container | None:
    return next((each for each in snapshot.containers.values() if each.id == container.namespace_of), None)


def _owner_name(snapshot: Snapshot, container: Container) -> tuple[str, ...]:
    owner = _owner(snapshot, container)
    return (owner.service,) if owner else ()


def _sharers(snapshot: Snapshot, container: Container) -> tuple[str, ...]:
    return tuple(name for name, each in snapshot.containers.items() if each.namespace_of == container.id)


def _owners_first(containers: Collection[Container]) -> list[Container]:
    return sorted(containers, key=lambda each: bool(each.namespace_of))
