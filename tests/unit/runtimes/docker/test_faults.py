"""Faults that only some containers show: those without an init process, and those on a network of somebody else."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from nexusdev.faults import Fault
from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.faults import DockerFaults
from nexusdev.runtimes.docker.http_client import EngineEndpoint


class Api:
    """Remembers what it was told to do."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **_: self.calls.append((name, *arguments))


class Http:
    """An engine with one container of the instance."""

    def __init__(self, container: dict[str, Any]) -> None:
        self.container = container
        self.filters: dict[str, Any] = {}

    def containers(self, *, filters: dict[str, Any], **_: bool) -> list[dict[str, Any]]:
        self.filters = filters
        state = "paused" if self.container["State"]["Paused"] else "running"
        return [{"Id": "c1", "State": state, "Labels": {labels.SERVICE: "redis-0"}}]

    def inspect_container(self, _: str) -> dict[str, Any]:
        return self.container

    def networks(self, *, filters: dict[str, Any]) -> list[dict[str, str]]:
        assert filters == {"label": f"{labels.INSTANCE}=shop"}
        return [{"Name": "nexusdev-shop_nexus"}]


def container(*, restart: str = "no", networks: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "Id": "c1",
        "Name": "/nexusdev-shop-redis-0-1",
        "State": {"Paused": False},
        "HostConfig": {"Init": None, "RestartPolicy": {"Name": restart}},
        "NetworkSettings": {"Networks": dict.fromkeys(networks)},
    }


def inject(fault: Fault, found: dict[str, Any]) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
    """What the engine was told to do, and how the container was looked for."""
    api, http = Api(), Http(found)
    engine = SimpleNamespace(api=api, http=http, endpoint=EngineEndpoint(url="unix:///e", origin="test"))
    names = ResourceNames(project="nexusdev-shop", instance="shop", owner_path="/p", state_path="", stack=None)
    DockerFaults(cast(Engine, engine), names).inject(fault, "redis-0")
    return api.calls, http.filters


def test_a_crash_without_init_kills_and_restarts_by_policy() -> None:
    calls, _ = inject(Fault.CRASH, container(restart="unless-stopped"))
    assert calls == [("kill", "c1"), ("wait", "c1"), ("start", "c1")]


def test_a_crash_without_a_restart_policy_starts_nothing() -> None:
    calls, _ = inject(Fault.CRASH, container(restart="no"))
    assert calls == [("kill", "c1")]


@pytest.mark.parametrize("fault", [Fault.KILL, Fault.PAUSE, Fault.RESUME])
def test_the_container_is_found_by_labels_and_not_by_name(fault: Fault) -> None:
    _, filters = inject(fault, container())
    assert filters["label"] == [f"{labels.INSTANCE}=shop", f"{labels.ONE_OFF}=False", f"{labels.SERVICE}=redis-0"]
    assert "name" not in filters


def test_a_partition_leaves_foreign_networks_alone() -> None:
    calls, _ = inject(Fault.PARTITION, container(networks=("nexusdev-shop_nexus", "their_network")))
    assert calls == [("disconnect_container_from_network", "c1", "nexusdev-shop_nexus")]
