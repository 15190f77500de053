"""Who uses a port."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from nexusdev.util.port_holders import ending_orphans, holder_of
from tests.unit.util.processes import PORT, V4, V6, proc, with_proxy


def test_a_container_takes_precedence_over_the_engine_process(tmp_path: Path) -> None:
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


def test_an_unreadable_process_belongs_to_another_user(tmp_path: Path) -> None:
    assert holder_of(PORT, {}, proc(tmp_path, readable=False)) == "a process of another user"


def test_the_process_is_unknown_without_proc(tmp_path: Path) -> None:
    assert holder_of(PORT, {}, tmp_path / "none") == "an unknown process"
    assert holder_of(9, {}, proc(tmp_path)) == "an unknown process"


def test_a_long_command_is_truncated(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "77" / "cmdline").write_text("java\0" + "x" * 100)
    assert holder_of(PORT, {}, folder) == f"java {'x' * 54}… (pid 77)"


def test_an_ended_process_keeps_its_pid(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    (folder / "77" / "cmdline").unlink()
    assert holder_of(PORT, {}, folder) == "a process (pid 77)"


def test_a_closed_file_hides_no_other_file_of_its_process(tmp_path: Path) -> None:
    folder = proc(tmp_path)
    for number in (*range(3), *range(4, 40)):
        (folder / "77" / "fd" / str(number)).touch()  # readlink fails, as for a descriptor that is gone
    assert holder_of(PORT, {}, folder) == "nginx -g daemon off; (pid 77)"


@pytest.mark.parametrize("parent", ["systemd", "docker-init", "bash"])
def test_an_orphaned_docker_proxy_is_named_with_the_command_that_kills_it(tmp_path: Path, parent: str) -> None:
    folder = with_proxy(tmp_path, parent=parent)
    assert holder_of(PORT, {}, folder) == "docker-proxy left behind by a dockerd that was killed (pid 78)"
    assert ending_orphans([PORT, 9], {}, folder) == "kill 78"


def test_a_docker_proxy_of_another_user_is_killed_by_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = with_proxy(tmp_path)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    assert ending_orphans([PORT], {}, folder) == "sudo kill 78"


@pytest.mark.parametrize("parent", ["dockerd", "rootlesskit", "rootlesskit-doc", ""])
def test_a_docker_proxy_of_another_running_engine_is_no_orphan(tmp_path: Path, parent: str) -> None:
    folder = with_proxy(tmp_path, parent=parent)
    assert holder_of(PORT, {}, folder) == "a process of another user"
    assert ending_orphans([PORT], {}, folder) == ""


@pytest.mark.parametrize("other", [{"protocol": "udp"}, {"host": "192.168.0.5"}, {"port": PORT + 1}], ids=str)
def test_a_docker_proxy_of_another_port_is_not_the_holder(tmp_path: Path, other: dict[str, Any]) -> None:
    folder = with_proxy(tmp_path, listening=PORT, **other)
    assert holder_of(PORT, {}, folder) == "a process of another user"
    assert ending_orphans([PORT], {}, folder) == ""


def test_a_docker_proxy_of_a_running_container_is_never_killed(tmp_path: Path) -> None:
    folder = with_proxy(tmp_path)
    assert holder_of(PORT, {PORT: "web (image nginx:1)"}, folder) == "container web (image nginx:1)"
    assert ending_orphans([PORT], {PORT: "web (image nginx:1)"}, folder) == ""
