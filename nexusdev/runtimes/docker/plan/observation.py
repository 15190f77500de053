"""Wraps a Snapshot of a Docker engine as a neutral Observation. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from nexusdev.errors import NexusError
from nexusdev.plan import Exit, Observation, ObservedService, Phase, Problem
from nexusdev.runtimes.docker.plan.snapshot import Container, Snapshot, State
from nexusdev.util.humanize import join_names

_PHASES = {
    State.CREATED: Phase.PENDING,
    State.RUNNING: Phase.RUNNING,
    State.PAUSED: Phase.SUSPENDED,
    State.RESTARTING: Phase.RESTARTING,
    State.DEAD: Phase.FAILED,
}
# A server without a handler for its stop signal exits with 143.
_IN_PEACE = (0, 143)
_ENDED = (State.EXITED, State.RESTARTING, State.DEAD)
_ALIVE = (State.RUNNING, State.PAUSED, State.RESTARTING)


class DockerObservation(Observation, frozen=True, kw_only=True):
    """An observation with the snapshot that plans are made from."""

    snapshot: Snapshot


def snapshot_of(observation: Observation) -> Snapshot:
    """Return the snapshot of an observation. Raises NexusError for an observation of another runtime."""
    if not isinstance(observation, DockerObservation):
        raise NexusError("the observation belongs to another runtime")
    return observation.snapshot


def observation_of(snapshot: Snapshot) -> DockerObservation:
    """Return the runtime-independent observation of a snapshot."""
    holders = (*snapshot.containers.values(), *snapshot.orphans)
    return DockerObservation(
        snapshot=snapshot,
        services={name: _service(each) for name, each in snapshot.containers.items()},
        volumes={name: each.full_name for name, each in snapshot.volumes.items()},
        objects=tuple(_objects(snapshot)),
        owners=frozenset(path for path in _owners(snapshot) if path),
        state_path=next((path for path in _state_paths(snapshot) if path), ""),
        holding_ports=frozenset(each.service for each in holders if each.state in _ALIVE),
        problems=tuple(_problems(snapshot)),
    )


def phase_of(container: Container) -> Phase:
    """Return the phase of a container."""
    if container.state is State.EXITED:
        return Phase.STOPPED if container.exit_code in _IN_PEACE and not container.error else Phase.FAILED
    return _PHASES[container.state]


def _service(container: Container) -> ObservedService:
    return ObservedService(
        service=container.service,
        component=container.component,
        role=container.role,
        phase=phase_of(container),
        word=container.state.value,
        since=container.started_at,
        exit=_exit(container),
        owner=container.owner_path,
        object=f"container {container.name}",
    )


def _exit(container: Container) -> Exit | None:
    if container.state not in _ENDED and not container.error:
        return None
    return Exit(
        code=container.exit_code,
        reason=container.error,
        out_of_memory=container.out_of_memory,
        at=container.finished_at,
    )


def _objects(snapshot: Snapshot) -> Iterator[str]:
    for each in (*snapshot.containers.values(), *snapshot.orphans, *snapshot.one_offs):
        yield f"container {each.name}"
    if snapshot.network:
        yield f"network {snapshot.network.full_name}"


def _owners(snapshot: Snapshot) -> Iterator[str]:
    yield from (each.owner_path for each in (*snapshot.containers.values(), *snapshot.orphans, *snapshot.one_offs))
    yield from (each.owner_path for each in snapshot.volumes.values())
    if snapshot.network:
        yield snapshot.network.owner_path


def _state_paths(snapshot: Snapshot) -> Iterator[str]:
    yield from (each.state_path for each in snapshot.containers.values())
    yield from (each.state_path for each in snapshot.volumes.values())


def _problems(snapshot: Snapshot) -> Iterator[Problem]:
    if snapshot.network is None and snapshot.containers:
        yield Problem(evidence="the network of the containers is missing", fix="nexusdev up")
    if snapshot.name_conflicts:
        names = join_names(list(snapshot.name_conflicts))
        yield Problem(evidence=f"container names of {names} are in use by other containers", fix="docker ps -a")
