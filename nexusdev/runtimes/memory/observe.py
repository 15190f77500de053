"""Reads the snapshot of an instance from an engine in memory: the fake of ``docker/observe.py``."""

from __future__ import annotations

from collections.abc import Mapping

from nexusdev.runtimes.docker.labels import ONE_OFF_ROLE
from nexusdev.runtimes.docker.plan.snapshot import Container, NetworkState, Snapshot, Volume
from nexusdev.runtimes.memory.engine import FakeContainer, FakeEngine, FakeNetwork
from nexusdev.stack.model import Stack


def snapshot(engine: FakeEngine, project: str, instance: str, stack: Stack | None) -> Snapshot:
    """Return all existing resources of one instance.

    Args:
        engine: The engine.
        project: The prefix of the names of its containers.
        instance: Its name.
        stack: Provides the order of the services, and the container names that they need.

    Returns:
        The same as a Docker engine's snapshot of this state.
    """
    with engine.lock:
        all_ours = [each for each in engine.containers.values() if each.instance == instance]
        network = next((each for each in engine.networks.values() if each.instance == instance), None)
        one_offs = [each for each in all_ours if each.role == ONE_OFF_ROLE]
        ours = [each for each in all_ours if each.role != ONE_OFF_ROLE]
        named = {each.service: each for each in ours if each.name == f"{project}-{each.service}-1"}
        order = list(stack.services) if stack else []
        names = sorted(named, key=lambda name: (order.index(name) if name in order else len(order), name))
        return Snapshot(
            containers={name: container_of(named[name], network) for name in names},
            volumes=_volumes(engine, instance),
            network=_network(engine, network),
            orphans=tuple(container_of(each, network) for each in ours if named.get(each.service) is not each),
            one_offs=tuple(container_of(each, network) for each in one_offs),
            name_conflicts=_name_conflicts(engine, project, instance, stack),
        )


def _volumes(engine: FakeEngine, instance: str) -> Mapping[str, Volume]:
    return {
        each.name: Volume(
            name=each.name,
            full_name=full_name,
            owner_path=each.owner_path,
            state_path=each.state_path,
            strangers=engine.users_of(full_name, but=instance),
        )
        for full_name, each in sorted(engine.volumes.items())
        if each.instance == instance
    }


def _network(engine: FakeEngine, network: FakeNetwork | None) -> NetworkState | None:
    if network is None:
        return None
    return NetworkState(
        id=network.id,
        full_name=network.name,
        subnet=network.subnet,
        ip_range=network.ip_range,
        owner_path=network.owner_path,
        strangers=engine.attached_to(network, but=network.instance),
    )


def _name_conflicts(engine: FakeEngine, project: str, instance: str, stack: Stack | None) -> Mapping[str, str]:
    wanted = {f"{project}-{service}-1": service for service in stack.services} if stack else {}
    return {
        wanted[each.name]: each.image
        for each in engine.containers.values()
        if each.instance != instance and each.name in wanted
    }


def container_of(container: FakeContainer, network: FakeNetwork | None) -> Container:
    """Return a container as a runtime observes it."""
    return Container(
        id=container.id,
        name=container.name,
        service=container.service,
        component=container.component,
        role=container.role,
        state=container.state,
        fingerprint=container.fingerprint,
        owner_path=container.owner_path,
        state_path=container.state_path,
        exit_code=container.exit_code,
        error=container.error,
        out_of_memory=container.out_of_memory,
        started_at=container.started_at,
        finished_at=container.finished_at,
        namespace_of=container.namespace_of,
        attached=bool(container.namespace_of) or (network is not None and container.network_id == network.id),
    )
