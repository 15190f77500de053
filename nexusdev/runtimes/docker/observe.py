"""Converts the engine's JSON lists to a Snapshot. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.plan.snapshot import Container, NetworkState, Snapshot, State, Volume

Json = Mapping[str, Any]
_HOLDING = ("running", "paused", "restarting")
_FRACTION = re.compile(r"\.(\d{1,6})\d*")


def is_ours(listed: Json, names: ResourceNames) -> bool:
    """Return whether a listed container, volume or network has this instance's label."""
    return (listed.get("Labels") or {}).get(labels.INSTANCE) == names.instance


def needs_details(listed: Iterable[Json]) -> list[str]:
    """Return the ids of the containers to inspect: those that are not simply running, and those that share a network or own a shared one.

    Sidecars are also detected by label, because Podman's list shows the host's network for every container.
    """
    listed = list(listed)
    owners = {namespace_of(each) for each in listed}
    return [each["Id"] for each in listed if each["State"] != "running" or _is_sidecar(each) or each["Id"] in owners]


def _is_sidecar(listed: Json) -> bool:
    return bool(namespace_of(listed)) or (listed.get("Labels") or {}).get(labels.ROLE) in ("sidecar", "observer")


def snapshot(
    containers: Sequence[Json],
    volumes: Sequence[Json],
    networks: Sequence[Json],
    details: Mapping[str, Json],
    names: ResourceNames,
) -> Snapshot:
    """Return the snapshot of one instance from the engine's lists.

    Args:
        containers: All containers of the engine.
        volumes: The volumes of this instance.
        networks: The networks of this instance.
        details: Container id → the result of inspect.
        names: Names and labels of the instance's resources.
    """
    others = [each for each in containers if not is_ours(each, names)]
    network = next((_network(each, others) for each in networks), None)
    seen = [_container(each, details.get(each["Id"], {}), network) for each in containers if is_ours(each, names)]
    ours = [each for each in seen if each.role != labels.ONE_OFF_ROLE]
    users = _users_by_volume(others)
    claimed = {each.service: each for each in ours if each.service and each.name == names.container(each.service)}
    return Snapshot(
        containers=_in_order(claimed, names),
        volumes={
            volume.name: volume
            for volume in sorted((_volume(each, users) for each in volumes), key=lambda each: each.name)
        },
        network=network,
        orphans=tuple(each for each in ours if claimed.get(each.service) is not each),
        one_offs=tuple(each for each in seen if each.role == labels.ONE_OFF_ROLE),
        name_conflicts=_foreign(containers, names),
    )


def _in_order(claimed: Mapping[str, Container], names: ResourceNames) -> dict[str, Container]:
    """Return the containers in the order of the stack, then by name."""
    order = list(names.stack.services) if names.stack else []
    return {
        name: claimed[name]
        for name in sorted(claimed, key=lambda each: (order.index(each) if each in order else len(order), each))
    }


def _foreign(containers: Sequence[Json], names: ResourceNames) -> dict[str, str]:
    wanted = {names.container(service): service for service in names.stack.services} if names.stack else {}
    return {
        wanted[name]: each.get("Image", "")
        for each in containers
        if not is_ours(each, names)
        for name in plain_names(each)
        if name in wanted
    }


def plain_names(listed: Json) -> list[str]:
    """Return the names of a listed container without the slash. Link aliases, which have more slashes, are left out."""
    return [name[1:] for name in listed.get("Names") or () if name.startswith("/") and "/" not in name[1:]]


def namespace_of(listed: Json) -> str:
    """Return the id of the container whose network it shares."""
    mode = listed.get("HostConfig", {}).get("NetworkMode", "")
    return mode.removeprefix("container:") if mode.startswith("container:") else ""


def state_path(listed: Json, instance: str) -> str:
    """Return the state folder of a resource from its label, or for containers without that label from their mounts; '' if unknown."""
    if told := (listed.get("Labels") or {}).get(labels.STATE_PATH):
        return str(told)
    below = f"/instances/{instance}/"
    for mount in listed.get("Mounts") or ():
        root, found, _ = str(mount.get("Source") or "").partition(below)
        if found and mount.get("Type") == "bind":
            return f"{root}{below}".rstrip("/")
    return ""


def _container(listed: Json, details: Json, network: NetworkState | None) -> Container:
    tags = listed.get("Labels") or {}
    state = details.get("State", {})
    owner = namespace_of(details or listed)
    return Container(
        id=listed["Id"],
        name=next(iter(plain_names(listed)), listed["Id"][:12]),
        service=tags.get(labels.SERVICE, ""),
        component=tags.get(labels.COMPONENT, ""),
        role=tags.get(labels.ROLE, "server"),
        state=_state(state.get("Status") or listed["State"]),
        fingerprint=tags.get(labels.FINGERPRINT, ""),
        owner_path=tags.get(labels.OWNER_PATH, ""),
        state_path=state_path(listed, tags.get(labels.INSTANCE, "")),
        exit_code=state.get("ExitCode", 0),
        error=state.get("Error", ""),
        out_of_memory=state.get("OOMKilled", False),
        started_at=seconds(state.get("StartedAt", "")),
        finished_at=seconds(state.get("FinishedAt", "")),
        health=_health(listed.get("Status", "")),
        namespace_of=owner,
        attached=bool(owner) or _attached(listed, network),
    )


def _state(word: str) -> State:
    """Convert the engine's state. Removing and, from Podman, stopping map to the state that follows."""
    return {"removing": State.DEAD, "stopped": State.EXITED, "configured": State.CREATED}.get(word) or State(word)


def _health(status: str) -> str:
    """Return healthy, unhealthy or starting, from ``Up 3 minutes (healthy)``."""
    matched = re.search(r"\((?:health: )?(healthy|unhealthy|starting)\)", status)
    return matched[1] if matched else ""


def _attached(listed: Json, network: NetworkState | None) -> bool:
    """Return whether a container is on the network. A stopped container may have the id of a removed network."""
    if network is None:
        return False
    endpoint = listed.get("NetworkSettings", {}).get("Networks", {}).get(network.full_name)
    return endpoint is not None and endpoint.get("NetworkID") in ("", None, network.id)


def _volume(listed: Json, users: Mapping[str, Sequence[str]]) -> Volume:
    tags = listed.get("Labels") or {}
    return Volume(
        name=tags.get(labels.VOLUME) or listed["Name"],
        full_name=listed["Name"],
        owner_path=tags.get(labels.OWNER_PATH, ""),
        state_path=tags.get(labels.STATE_PATH, ""),
        strangers=tuple(users.get(listed["Name"], ())),
    )


def users_of(volume: str, containers: Iterable[Json]) -> tuple[str, ...]:
    """Return the listed containers that mount a volume, running or not."""
    return tuple(_users_by_volume(containers).get(volume, ()))


def _users_by_volume(containers: Iterable[Json]) -> Mapping[str, Sequence[str]]:
    """Return volume → the listed containers that mount it. Read once: an engine with many instances has hundreds of mounts."""
    users: dict[str, list[str]] = {}
    for each in containers:
        for volume in {mount.get("Name", "") for mount in _mounts(each) if mount.get("Type") == "volume"}:
            users.setdefault(volume, []).append(_plain_name(each))
    return users


def _mounts(listed: Json) -> Iterable[Json]:
    """Return the mounts of a listed container. Podman's list has them in another format, or not at all."""
    return (mount for mount in listed.get("Mounts") or () if isinstance(mount, Mapping))


def attached_to(network: str, containers: Iterable[Json]) -> tuple[str, ...]:
    """Return the listed containers that are attached to a network, by its id, and block its removal. Stopped ones do not."""
    return tuple(
        _plain_name(each)
        for each in containers
        if each.get("State") in _HOLDING
        and any(endpoint.get("NetworkID") == network for endpoint in _endpoints(each).values())
    )


def _endpoints(listed: Json) -> Mapping[str, Json]:
    return (listed.get("NetworkSettings") or {}).get("Networks") or {}


def _plain_name(listed: Json) -> str:
    return next(iter(plain_names(listed)), listed["Id"][:12])


def _network(listed: Json, others: Sequence[Json]) -> NetworkState:
    return NetworkState(
        id=listed["Id"],
        full_name=listed["Name"],
        subnet=subnet_of(listed),
        ip_range=next((config["IPRange"] for config in _pools(listed) if config.get("IPRange")), ""),
        strangers=attached_to(listed["Id"], others),
        owner_path=(listed.get("Labels") or {}).get(labels.OWNER_PATH, ""),
    )


def subnet_of(network: Json) -> str:
    """Return the first subnet of a listed network, or ''."""
    return next((config["Subnet"] for config in _pools(network) if config.get("Subnet")), "")


def _pools(network: Json) -> Sequence[Json]:
    return (network.get("IPAM") or {}).get("Config") or ()


def seconds(written: str) -> float:
    """Parse the engine's ``2026-11-24T03:22:21.123456789Z`` to seconds since the epoch; 0.0 for its zero time."""
    if not written or written.startswith("0001"):
        return 0.0
    return datetime.fromisoformat(_FRACTION.sub(r".\1", written).replace("Z", "+00:00")).timestamp()
