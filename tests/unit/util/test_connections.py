from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.util.connections import clients_of

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"


def line(local: str, remote: str, state: str, inode: int) -> str:
    return f"   0: {local} {remote} {state} 00000000:00000000 00:00000000 00000000  1000        0 {inode} 1\n"


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """Process 10 has two connections to 21232 (52F0), process 20 one to 80 and one that has ended; 99 is of another user."""
    (tmp_path / "net").mkdir()
    rows = (
        line("0100007F:9001", "0100007F:52F0", "01", 1),
        line("0100007F:9002", "0100007F:52F0", "01", 2),
        line("0100007F:9003", "0100007F:0050", "01", 3),
        line("0100007F:9004", "0100007F:52F0", "06", 4),
        line("0100007F:52F0", "0100007F:9001", "01", 5),
        line("0100007F:9005", "0100007F:52F0", "01", 99),
    )
    (tmp_path / "net" / "tcp").write_text(HEAD + "".join(rows))
    for pid, words, sockets in ((10, b"python3\0app.py\0", (1, 2)), (20, b"curl\0", (3, 4)), (30, b"proxy\0", (5,))):
        (tmp_path / str(pid) / "fd").mkdir(parents=True)
        (tmp_path / str(pid) / "cmdline").write_bytes(words)
        for number in sockets:
            (tmp_path / str(pid) / "fd" / str(number)).symlink_to(f"socket:[{number}]")
    return tmp_path


def test_clients_are_named_with_their_connections(proc: Path) -> None:
    assert clients_of({21232}, proc, own=1) == (
        "python3 app.py (pid 10): 2 connections",
        "processes of other users: 1 connection",
    )


def test_the_own_process_does_not_count(proc: Path) -> None:
    assert clients_of({21232}, proc, own=10) == ("processes of other users: 1 connection",)


def test_other_ports_do_not_count(proc: Path) -> None:
    assert clients_of({5432}, proc, own=1) == ()


def test_without_proc_nothing_is_known(tmp_path: Path) -> None:
    assert clients_of({21232}, tmp_path) == ()
