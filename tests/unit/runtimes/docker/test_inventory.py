"""What the engine's lists tell of every instance."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.docker.inventory import inventory, volume_sizes
from tests.unit.runtimes.docker.engines import engine_at

LABELS = {"dev.nexus.instance": "shop", "dev.nexus.owner-path": "/home/dev/shop", "com.docker.compose.service": "db"}


class Listing:
    """An engine that has these containers and volumes."""

    def __init__(self, *containers: Mapping[str, Any], volumes: tuple[Mapping[str, Any], ...] = ()) -> None:
        self.http = self
        self._containers = containers
        self._volumes = volumes

    def containers(self, **_: object) -> list[Mapping[str, Any]]:
        return list(self._containers)

    def networks(self) -> list[Mapping[str, Any]]:
        return []

    def volumes(self, **_: object) -> Mapping[str, Any]:
        return {"Volumes": list(self._volumes)}

    def inspect_container(self, _: str) -> Mapping[str, Any]:
        ports = {"5432/tcp": [{"HostPort": "21040"}]}
        return {"HostConfig": {"PortBindings": ports}, "State": {"FinishedAt": "2026-01-01T00:00:10Z"}}


def container(state: str, **more: object) -> Mapping[str, Any]:
    return {"Id": "c1", "Names": ["/db"], "ImageID": "i", "State": state, "Labels": LABELS, **more}


@pytest.mark.parametrize(
    ("state", "running", "alive"),
    [
        ("running", True, True),
        ("paused", False, True),
        ("restarting", False, True),
        ("stopping", False, True),
        ("exited", False, False),
        ("created", False, False),
        ("dead", False, False),
    ],
)
def test_a_container_is_live_unless_it_ended(state: str, running: bool, alive: bool) -> None:
    found = inventory(Listing(container(state))).of("shop")
    assert (found.running, found.alive) == (int(running), alive)


def test_end_times_of_containers_and_creation_times_of_volumes_are_read() -> None:
    volume = {"Name": "v", "Labels": LABELS, "CreatedAt": "2026-01-01T00:00:00Z"}
    made = inventory(Listing(volumes=(volume,))).of("shop")
    ended = inventory(Listing(container("exited"), volumes=(volume,))).of("shop")
    assert (ended.ports, ended.held_ports, ended.used - made.used) == (frozenset({21040}), frozenset[int](), 10.0)


def test_sizes_are_those_of_the_engine(tmp_path: Path) -> None:
    error = [{"Name": "v", "UsageData": {"Size": 12}}, {"Name": "w", "UsageData": {"Size": -1}}, {"Name": "x"}]
    with engine_at(tmp_path / "s", lambda path: (200, {"Volumes": error} if "/system/df" in path else {})) as url:
        assert volume_sizes(Engine(EngineEndpoint(url=url, origin="a test"), version="1.41")) == {"v": 12}


@pytest.mark.parametrize("answer", [(409, {"message": "a disk usage operation is already running"}), None])
def test_an_engine_without_sizes_is_accepted(tmp_path: Path, answer: tuple[int, Any] | None) -> None:
    with engine_at(tmp_path / "s", lambda _: answer) as url:
        assert volume_sizes(Engine(EngineEndpoint(url=url, origin="a test"), version="1.41")) == {}
