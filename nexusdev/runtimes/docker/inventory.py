"""Lists the resources of all instances on the engine, and resources of other projects that may conflict with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any

from nexusdev.inventory import Inventory
from nexusdev.runtimes.docker.conflicts import publishers
from nexusdev.runtimes.docker.http_client import EngineAnswer, EngineHttpClient
from nexusdev.runtimes.docker.labels import INSTANCE, ONE_OFF_ROLE, OWNER_PATH, ROLE
from nexusdev.runtimes.docker.observe import seconds, state_path
from nexusdev.runtimes.docker.plan.inventory import OwnedResource, by_instance
from nexusdev.runtimes.image_store import CACHE_LABEL

_ENDED = ("created", "configured", "exited", "stopped", "dead", "removing")
_QUICK = 20.0  # the engine also counts images and containers, which takes several seconds on a busy machine


def inventory(engine: Any, *, caches: bool = False) -> Inventory:
    """List all resources with nexusdev's label, and all published ports.

    Args:
        engine: A ``connection.Engine``.
        caches: Whether to list the volumes of image builds too (for ``gc``), which needs one more request.
    """
    api = engine.http
    containers = api.containers(all=True)
    networks = api.networks()
    return Inventory(
        instances=by_instance((*_containers(api, containers), *_networks(networks), *_volumes(api))),
        port_holders=publishers(row for row in containers if row["State"] == "running"),
        images_in_use=frozenset(row["ImageID"] for row in containers),
        build_caches=tuple(each["Name"] for each in _labelled(api, CACHE_LABEL)) if caches else (),
    )


def volume_sizes(engine: Any) -> Mapping[str, int]:
    """Return volume → bytes; empty if the engine does not answer in time, because it has to measure them."""
    quick = EngineHttpClient(engine.endpoint, version=engine.version, timeout=_QUICK)
    try:
        volumes = quick.get("/system/df", type="volume").get("Volumes") or []
    except (OSError, HTTPException, EngineAnswer):
        return {}
    known = ((each["Name"], (each.get("UsageData") or {}).get("Size", -1)) for each in volumes)
    return {name: size for name, size in known if size >= 0}


def _containers(api: Any, rows: list[Mapping[str, Any]]) -> Iterator[OwnedResource]:
    for row in rows:
        labels = row.get("Labels") or {}
        if INSTANCE in labels:
            running = row["State"] == "running"
            bound, used = (_bound(row), 0.0) if running else _configured(api, row["Id"])
            alive = row["State"] not in _ENDED
            facts = {"running": running, "alive": alive, "ports": bound, "used": used}
            yield _owned_resource("container", _name(row), row, **facts)


def _networks(rows: list[Mapping[str, Any]]) -> Iterator[OwnedResource]:
    for row in rows:
        if INSTANCE in (row.get("Labels") or {}):
            yield _owned_resource("network", row["Name"], row)


def _volumes(api: Any) -> Iterator[OwnedResource]:
    for row in _labelled(api, INSTANCE):
        used = seconds(row.get("CreatedAt") or "")
        yield _owned_resource("volume", row["Name"], row, used=used)


def _labelled(api: Any, label: str) -> list[Mapping[str, Any]]:
    return api.volumes(filters={"label": label}).get("Volumes") or []


def _owned_resource(kind: Any, name: str, row: Mapping[str, Any], **more: Any) -> OwnedResource:
    labels = row.get("Labels") or {}
    return OwnedResource(
        kind=kind,
        name=name,
        instance=labels.get(INSTANCE, ""),
        owner_path=labels.get(OWNER_PATH, ""),
        state_path=state_path(row, labels.get(INSTANCE, "")),
        one_off=labels.get(ROLE) == ONE_OFF_ROLE,
        **more,
    )


def _name(row: Mapping[str, Any]) -> str:
    return next(iter(row.get("Names") or ("",))).lstrip("/")


def _bound(row: Mapping[str, Any]) -> tuple[int, ...]:
    return tuple(sorted({port["PublicPort"] for port in row.get("Ports") or () if port.get("PublicPort")}))


def _configured(api: Any, identifier: str) -> tuple[tuple[int, ...], float]:
    """Return the ports of a stopped container, which are only in its configuration, and the time when it ended."""
    try:
        told = api.inspect_container(identifier)
    except Exception as gone:
        if getattr(gone, "status_code", 0) == 404:  # noqa: PLR2004 - removed meanwhile
            return (), 0.0
        raise
    bindings = told["HostConfig"]["PortBindings"] or {}
    hosts = (each.get("HostPort") for several in bindings.values() for each in several or ())
    ended = seconds((told.get("State") or {}).get("FinishedAt") or "")
    return tuple(sorted({int(port) for port in hosts if port})), ended
