"""A component that nothing but its own folder knows appears in every command."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexusdev.instance import port_blocks
from nexusdev.interfaces import InstanceAccess
from tests.fakes import House
from tests.toy.components.toy import probe
from tests.toy.components.toy.component import Toy
from tests.toy.components.toy.readiness import Facts
from tests.toy.scenario import FOLDER, declared, live_through


@dataclass
class Hosted(Toy):
    """The toy whose server runs as a process of this machine, in the place of the container that memory only remembers."""

    process: subprocess.Popen[bytes] | None = None

    def probe(self, access: InstanceAccess, *, test_writes: bool = False) -> Facts:
        if self.process is None:
            self.process = serve(access)
        return probe.probe(access, test_writes=test_writes)


def serve(access: InstanceAccess) -> subprocess.Popen[bytes]:
    """The toy's own server with the instance's certificate, once it listens."""
    port, state = access.address("toy", 8443).port, access.ca_file.parents[1]
    files = (state / "tls" / "toy.crt", state / "tls" / "toy.key", state / "secrets" / "toy-token")
    process = subprocess.Popen([sys.executable, str(FOLDER / "toy" / "server.py"), str(port), *map(str, files)])
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            break
    return process


@dataclass(kw_only=True)
class ToyHouse(House):
    """A project whose stack is the toy."""

    images: tuple[str, ...] = ("relay",)
    toy: Hosted = field(default_factory=Hosted)

    @property
    def doubles(self) -> dict[str, Any]:
        # Its server listens on a real port of this machine.
        return {**super().doubles, **declared(), "components": {"toy": self.toy}, "port_taken": port_blocks.is_taken}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ToyHouse]:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    made = ToyHouse(folder=tmp_path)
    yield made
    if made.toy.process is not None:
        made.toy.process.kill()
        made.toy.process.wait()


def test_the_toy_server_exits_when_stopped(house: ToyHouse) -> None:
    """It is the first process of its container, which ignores signals without a handler."""
    assert house.type("up").status == 0
    assert house.toy.process is not None
    house.toy.process.terminate()
    assert house.toy.process.wait(10) == 0


def test_every_command_knows_a_newly_added_component(house: ToyHouse) -> None:
    def type_(*words: str) -> Any:
        if words[0] == "logs":
            house.engine.say(house.container("toy"), "stored 6 bytes")
        return house.type(*words)

    live_through(type_)
