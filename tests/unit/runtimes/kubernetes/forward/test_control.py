"""The process of a forward, with a kubectl of these tests: it connects, connects again by itself, says when it cannot, and leaves nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nexusdev.runtimes.kubernetes.forward.control import ForwardProcess
from nexusdev.runtimes.kubernetes.forward.files import CONNECTED, CONNECTING, FAILED, ForwardConfig, ForwardStatus
from tests.unit.runtimes.kubernetes.forward import fake_kubectl

GATEWAY_PORT = 30032


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def config(folder: Path, port: int) -> ForwardConfig:
    program = (sys.executable, "-S", fake_kubectl.__file__, str(folder))
    return ForwardConfig(
        kubectl=program, namespace="ns", name="gateway-dev", reach="forward", ports={port: GATEWAY_PORT}, health=8404
    )


def told(port: int, words: bytes = b"hello") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(words)
        found = b""
        while part := connection.recv(1000):
            found += part
        return found


def until(forward: ForwardProcess, condition: Callable[[ForwardStatus], bool], seconds: float = 120) -> ForwardStatus:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        status = forward.status()
        if status and condition(status):
            return status
        time.sleep(0.1)
    raise AssertionError(forward.status())


@pytest.fixture
def forward(tmp_path: Path) -> Iterator[ForwardProcess]:
    made = ForwardProcess(tmp_path / "forward", connects=120)
    yield made
    made.stop()


def test_connections_reach_the_gateway_and_survive_the_end_of_kubectl(forward: ForwardProcess, tmp_path: Path) -> None:
    port = free_port()
    status = forward.start(config(tmp_path, port))
    assert (status.phase, status.route) == (CONNECTED, "the API server")
    assert told(port) == b"30032 hello"

    (tmp_path / "down").write_text("error: pod is not running. Current status=Pending")
    os.kill(status.child, signal.SIGKILL)
    lost = until(forward, lambda each: each.phase == CONNECTING and "Pending" in each.problem)
    assert lost.route == ""

    (tmp_path / "down").unlink()
    again = until(forward, lambda each: each.phase == CONNECTED)
    assert again.child not in (0, status.child)
    assert told(port) == b"30032 hello"

    forward.stop()
    assert forward.status() is None
    with pytest.raises(ConnectionRefusedError):
        told(port)
    with contextlib.suppress(ProcessLookupError):
        os.kill(again.child, 0)
        raise AssertionError("kubectl is left")


def test_a_taken_port_is_told(forward: ForwardProcess, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        status = forward.start(config(tmp_path, port))
    assert (status.phase, status.taken) == (FAILED, port)


def test_it_ends_with_the_folder_of_its_instance(forward: ForwardProcess, tmp_path: Path) -> None:
    status = forward.start(config(tmp_path, free_port()))
    (tmp_path / "forward" / "config.json").unlink()
    deadline = time.monotonic() + 120
    while forward.status() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert forward.status() is None
    with pytest.raises(ProcessLookupError):
        os.kill(status.child, 0)


def test_ending_what_does_not_run_is_no_error(forward: ForwardProcess) -> None:
    assert forward.status() is None
    forward.stop()
