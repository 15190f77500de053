"""Who has what the engine says is taken."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import docker.errors
import pytest

from nexusdev.errors import ImageUnavailable, InvalidState, PortInUse
from nexusdev.runtimes.docker.apply_steps import DockerStepApplier
from nexusdev.runtimes.docker.conflicts import (
    creation_refused,
    holder_of,
    missing_image,
    overlapping,
    port_in_words,
    publishers,
)
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.plan.steps import Action, DockerStep

ALLOCATED = "driver failed programming external connectivity on endpoint shop-db-1 (1a2b): Bind for 127.0.0.1:21040 failed: port is already allocated"
LISTENED = (
    "driver failed programming external connectivity on endpoint shop-db-1 (1a2b): "
    "Error starting userland proxy: listen tcp4 127.0.0.1:21040: bind: address already in use"
)
DESKTOP = "Ports are not available: exposing port TCP 127.0.0.1:21040 -> 0.0.0.0:0: listen tcp 127.0.0.1:21040: bind: address already in use"
ROOTLESS = "error while calling PortManager.AddPort(): listen tcp4 127.0.0.1:21040: bind: address already in use"


@pytest.mark.parametrize("words", [ALLOCATED, LISTENED, DESKTOP, ROOTLESS])
def test_the_port_errors_of_every_engine_are_parsed(words: str) -> None:
    assert port_in_words(words) == 21040


@pytest.mark.parametrize("words", ["", "no space left on device", "OCI runtime create failed: 10.0.0.1:5432"])
def test_other_errors_are_not_port_errors(words: str) -> None:
    assert port_in_words(words) == 0


LISTED: list[dict[str, Any]] = [
    {"Id": "c1", "Names": ["/web/db", "/shop-web"], "Image": "nginx:1", "Ports": [{"PublicPort": 21040}]},
    {"Id": "0123456789abcdef", "Names": [], "Ports": [{"PrivatePort": 80}, {"PublicPort": 21041}]},
    {"Id": "c3", "Names": ["/idle"], "Image": "redis:7", "Ports": None},
]


def test_a_container_is_named_with_its_image() -> None:
    assert holder_of(21040, LISTED) == "container shop-web (image nginx:1)"


def test_a_process_is_named_if_no_container_publishes_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        holder = holder_of(server.getsockname()[1], LISTED)
    assert holder.endswith(f"(pid {os.getpid()})")


class Api:
    """An engine that cannot start a container because of a port."""

    def __init__(self, port: int) -> None:
        self.port = port

    def start(self, _container: str) -> None:
        raise docker.errors.APIError("500", explanation=LISTENED.replace("21040", str(self.port)))

    def containers(self) -> list[dict[str, Any]]:
        return LISTED


@contextlib.contextmanager
def proxy_without_an_engine() -> Iterator[tuple[int, int]]:
    """A process with the name and the arguments of a docker-proxy, whose parent is no engine: its pid and port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        words = ["docker-proxy", "-c", "input()", "-proto", "tcp", "-host-ip", "127.0.0.1", "-host-port", str(port)]
        with subprocess.Popen(
            words,
            executable=sys.executable,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[server.fileno()],
        ) as process:
            yield process.pid, port
            process.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="no /proc")
def test_a_port_leaked_by_a_killed_engine_is_reported_with_the_command_that_frees_it() -> None:
    names = ResourceNames(project="nexusdev-shop", instance="shop", owner_path="/p", state_path="", stack=None)
    with proxy_without_an_engine() as (pid, port):
        step = DockerStep(action=Action.START, resource="db", target="c1", reason="x")
        with pytest.raises(PortInUse, match=f"port {port}, which db needs") as told:
            DockerStepApplier(Api(port), names).apply_step(step)
    assert told.value.why == f"it is used by docker-proxy left behind by a dockerd that was killed (pid {pid})"
    assert told.value.hint.splitlines()[0] == f"kill {pid}   end it"


def test_published_ports_map_to_their_containers() -> None:
    assert publishers(LISTED) == {
        21040: "shop-web (image nginx:1)",
        21041: "0123456789ab (image unknown)",
    }


@pytest.mark.parametrize(
    ("words", "image"),
    [
        ("No such image: db:1", "db:1"),
        ("failed to find image db:1: db:1: image not known", "db:1"),
        ("image not known", ""),
        ("No such container: db-1", None),
    ],
)
def test_the_missing_image_errors_of_every_engine_are_parsed(words: str, image: str | None) -> None:
    assert missing_image(words) == image


def test_overlapping_networks_are_found_by_address() -> None:
    networks = [
        {"Name": "wide", "IPAM": {"Config": [{"Subnet": "10.213.0.0/16"}]}},
        {"Name": "far", "IPAM": {"Config": [{"Subnet": "10.214.0.0/24"}]}},
        {"Name": "six", "IPAM": {"Config": [{"Subnet": "fd00::/64"}]}},
        {"Name": "host", "IPAM": {"Config": None}},
    ]
    assert overlapping("10.213.7.0/24", networks) == ["wide (10.213.0.0/16)"]


def test_a_missing_image_and_a_missing_file_have_their_own_errors() -> None:
    assert isinstance(creation_refused("No such image: db:1", service="db", image="db:1"), ImageUnavailable)
    gone = creation_refused(
        "invalid mount config: bind source path does not exist: /state/secrets/x", service="db", image="db:1"
    )
    assert isinstance(gone, InvalidState)
    assert "/state/secrets/x" in gone.message
    assert creation_refused("something else", service="db", image="db:1") is None
