"""Ports that other machines can reach are found in the kernel's tables."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from nexusdev.util.listeners import foreign_listeners

HEAD = "  sl  local_address rem_address   st\n"


def table(tmp_path: Path, *rows: str, six: tuple[str, ...] = ()) -> Path:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(HEAD + "".join(f" 0: {row}\n" for row in rows))
    (tmp_path / "net" / "tcp6").write_text(HEAD + "".join(f" 0: {row}\n" for row in six))
    return tmp_path


def test_loopback_is_not_foreign(tmp_path: Path) -> None:
    proc = table(
        tmp_path,
        "0100007F:1538 00000000:0000 0A",
        "0200007F:1538 00000000:0000 0A",
        six=("00000000000000000000000001000000:1538 x 0A",),
    )
    assert foreign_listeners([0x1538], proc) == ()


@pytest.mark.parametrize(
    ("row", "words"),
    [("00000000:1538 00000000:0000 0A", "0.0.0.0:5432"), ("0101A8C0:1538 00000000:0000 0A", "192.168.1.1:5432")],
)
def test_an_address_of_ipv4_that_others_reach_is_named(tmp_path: Path, row: str, words: str) -> None:
    assert foreign_listeners([5432], table(tmp_path, row)) == (words,)


def test_all_addresses_of_ipv6_are_named(tmp_path: Path) -> None:
    proc = table(tmp_path, six=(f"{'0' * 32}:1538 x 0A",))
    assert foreign_listeners([5432], proc) == ("[::]:5432",)


def test_other_ports_and_connections_do_not_count(tmp_path: Path) -> None:
    proc = table(tmp_path, "00000000:1539 00000000:0000 0A", "00000000:1538 0100007F:9999 01")
    assert foreign_listeners([5432], proc) == ()


def test_a_machine_without_the_tables_gives_no_answer(tmp_path: Path) -> None:
    assert foreign_listeners([5432], tmp_path) is None


def test_a_real_listener_on_loopback_is_not_foreign_and_one_on_all_addresses_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside, socket.create_server(("0.0.0.0", 0)) as outside:
        ports = [inside.getsockname()[1], outside.getsockname()[1]]
        assert foreign_listeners(ports) == (f"0.0.0.0:{ports[1]}",)
