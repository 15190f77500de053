"""The block of ports: chosen once, and never quietly shared with a stranger."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev.errors import PortInUse, PreflightFailed
from nexusdev.instance.port_blocks import (
    SLOTS,
    block_of,
    choose_slot,
    claim,
    is_taken,
    prefix_of,
    require_free,
    slot_of,
)
from tests.unit.util.processes import with_proxy


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_all_blocks_are_below_the_ephemeral_ports() -> None:
    ports = [port for slot in SLOTS for port in block_of(slot)]
    assert (min(ports), max(ports)) == (21000, 32699)
    assert prefix_of(SLOTS[-1]) == 326


def test_a_claimed_block_is_skipped_until_released() -> None:
    slot = choose_slot(range(SLOTS[-1] - 4), is_taken)
    claimed = claim(slot)
    assert claimed is not None
    with claimed:
        assert is_taken(block_of(slot)[-1])
        assert claim(slot) is None
        assert choose_slot(range(SLOTS[-1] - 4), is_taken) != slot
    again = claim(slot)
    assert again is not None
    again.close()


def test_the_lowest_free_block_is_chosen() -> None:
    assert choose_slot({0, 1, 3}, lambda _port: False) == 2


def test_a_block_with_a_port_in_use_is_skipped() -> None:
    assert choose_slot(set(), lambda port: port in (21099, 21100)) == 2


def test_gc_is_suggested_when_all_blocks_are_taken() -> None:
    with pytest.raises(PreflightFailed) as raised:
        choose_slot(set(SLOTS), lambda _port: False)
    assert "nexusdev gc" in raised.value.hint


@pytest.mark.parametrize(("port", "slot"), [(21000, 0), (21099, 0), (21100, 1), (20999, None), (32700, None)])
def test_a_port_identifies_its_block(port: int, slot: int | None) -> None:
    assert slot_of(port) == slot


def test_a_listening_port_is_taken_and_free_again_afterwards(listening: int) -> None:
    assert is_taken(listening)


def test_a_closed_port_is_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert not is_taken(port)


def test_a_port_held_by_a_foreign_process_names_the_process(listening: int) -> None:
    with pytest.raises(PortInUse) as raised:
        require_free([listening])
    assert raised.value.exit_status == 6
    assert str(listening) in raised.value.message
    assert f"(pid {os.getpid()})" in raised.value.message
    assert "nexusdev up --move-ports" in raised.value.hint


def test_a_port_held_by_a_foreign_container_names_the_container() -> None:
    with pytest.raises(PortInUse, match="port 21032 is in use by container web"):
        require_free([21032], published={21032: "web"}, taken=lambda _port: True)


def test_ports_leaked_by_a_killed_engine_are_reported_with_the_command_that_frees_them(tmp_path: Path) -> None:
    for pid, port in ((78, 21032), (79, 21033)):
        with_proxy(tmp_path, pid=pid, port=port)
    with pytest.raises(PortInUse, match="docker-proxy left behind by a dockerd that was killed") as raised:
        require_free([21032, 21033, 21034], published={21034: "web"}, taken=lambda _port: True, proc=tmp_path)
    first, *others = raised.value.hint.splitlines()
    assert first.startswith("kill 78 79   ")
    assert "nexusdev up --move-ports" in others[-1]


def test_several_taken_ports_are_all_in_the_evidence() -> None:
    with pytest.raises(PortInUse, match=r"\(and 1 more\)") as raised:
        require_free([21033, 21032], published={21032: "a", 21033: "b"}, taken=lambda _port: True)
    assert raised.value.evidence == ("127.0.0.1:21032  container a", "127.0.0.1:21033  container b")


def test_own_running_containers_may_hold_their_ports() -> None:
    require_free([21032], ours={21032}, taken=lambda _port: True)
