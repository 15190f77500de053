"""Who uses a port."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.util.port_holders import holder_of

PORT = 21040
V4, V6 = "0100007F", "0" * 32


def proc(folder: Path, *, table: str = "tcp", host: str = V4, state: str = "0A", readable: bool = True) -> Path:
    """A /proc with one socket on PORT, which process 77 has open."""
    row = f"   0: {host}:{PORT:04X} 00000000:0000 {state} 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 100 0 0 10 0\n"
    (folder / "net").mkdir(parents=True)
    (folder / "net" / table).write_text(f"  sl  local_address rem_address\n{row}")
    (folder / "77" / "fd").mkdir(parents=True)
    (folder / "77" / "cmdline").write_text("nginx\0-g\0daemon off;\0")
    if readable:
        (folder / "77" / "fd" / "3").symlink_to("socket:[4711]")
    return folder


def test_a_container_is_named_before_the_engines_own_process(tmp_path: Path) -> None:
    assert holder_of(PORT, {PORT: "web (image nginx:1)"}, proc(tmp_path)) == "container web (image nginx:1)"


@pytest.mark.parametrize(
    ("table", "host"),
    [("tcp", V4), ("tcp", "00000000"), ("tcp6", V6), ("tcp6", "0000000000000000FFFF00000100007F")],
)
def test_a_process_is_found_by_its_socket(tmp_path: Path, table: str, host: str) -> None:
    assert holder_of(PORT, {}, proc(tmp_path, table=table, host=host)) == "nginx -g daemon off; (pid 77)"


def test_a_socket_on_another_address_or_without_a_listener_is_not_the_holder(tmp_path: Path) -> None:
    assert holder_of(PORT, {}, proc(tmp_path / "lan", host="0500A8C0")) == "an unknown process"
    assert holder_of(PORT, {}, proc(tmp_path / "connected", state="01")) == "an unknown process"


def test_a_process_that_may_not_be_read_belongs_to_another_user(tmp_path: Path) -> None:
    assert holder_of(PORT, {}, proc(tmp_path, readable=False)) == "a process of another user"


def test_without_proc_the_process_is_unknown(tmp_path: Path) -> None:
    assert holder_of(PORT, {}, tmp_path / "none") == "an unknown process"
    assert holder_of(9, {}, proc(tmp_path)) == "an unknown process"


def test_a_long_command_is_cut(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "77" / "cmdline").write_text("java\0" + "x" * 100)
    assert holder_of(PORT, {}, folder) == f"java {'x' * 54}… (pid 77)"


def test_a_process_that_ended_meanwhile_keeps_its_pid(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "77" / "cmdline").unlink()
    assert holder_of(PORT, {}, folder) == "a process (pid 77)"


def test_a_file_that_is_closed_meanwhile_hides_no_other_file_of_its_process(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    for number in (*range(3), *range(4, 40)):
        (folder / "77" / "fd" / str(number)).touch()  # readlink fails, as for a descriptor that is gone
    assert holder_of(PORT, {}, folder) == "nginx -g daemon off; (pid 77)"
