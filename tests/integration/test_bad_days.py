"""Bad days on the real engine. Each test reads like the line of the promise that it keeps."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

SMALL = "redis"  # the component that a bad day is shown with where any would do


@pytest.fixture
def small(make_project: Callable[..., Project]) -> Iterator[Project]:
    """A project of its own, with nothing in it; nothing of it is left afterwards."""
    project = make_project("bad")
    yield project
    project.run("destroy", "--yes")


@pytest.fixture
def running(small: Project) -> Project:
    """A small instance that is ready."""
    small.up(SMALL)
    return small


def ready(project: Project) -> bool:
    return project.run("status", "--check").code == 0


# The engine -------------------------------------------------------------------------------------------------------


def test_an_engine_that_is_not_there_is_named_with_the_way_to_start_it(small: Project) -> None:
    away = Project(folder=small.folder, state=small.state, extra={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    ran = away.run("up", SMALL)
    assert ran.code == 5
    assert "/nonexistent/docker.sock" in ran.err
    assert "next" in ran.err


def test_an_engine_that_takes_the_call_and_never_answers_is_given_up(small: Project, tmp_path: Path) -> None:
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        silent = Project(folder=small.folder, state=small.state, extra={"DOCKER_HOST": f"unix://{path}"})
        ran = silent.run("up", SMALL, timeout=60)
    assert ran.code == 5, ran.err
    assert "no answer within" in ran.err


def test_an_engine_that_is_too_old_is_refused(small: Project, tmp_path: Path) -> None:
    path = tmp_path / "old.sock"
    with OldEngine(path):
        old = Project(folder=small.folder, state=small.state, extra={"DOCKER_HOST": f"unix://{path}"})
        ran = old.run("up", SMALL)
    assert ran.code == 5, ran.err
    assert "1.30" in ran.err


class OldEngine:
    """A socket that answers like an engine of API 1.30."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        import http.server
        import socketserver
        import threading

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(
                    {"ApiVersion": "1.30", "MinAPIVersion": "1.12", "Version": "17.06.0", "Os": "linux"}
                ).encode()
                self.send_response(200)
                self.send_header("Api-Version", "1.30")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_HEAD = do_GET  # noqa: N815

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *_: object) -> None:
                return

        self.server = socketserver.ThreadingUnixStreamServer(str(self.path), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


# Names, ports, images -----------------------------------------------------------------------------------------------


def test_a_taken_port_of_the_block_is_named_with_its_holder(running: Project) -> None:
    port = next(row["port"] for row in running.run("ports", "--json").data["ports"])
    assert running.run("down").code == 0
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        ran = running.run("up", SMALL)
    assert ran.code == 6, ran.err
    assert str(port) in ran.err
    assert str(os.getpid()) in ran.err


def test_a_foreign_container_with_our_name_is_left_alone_and_named(running: Project) -> None:
    name = engine.container(running, "redis-0").name
    assert running.run("down").code == 0
    foreign = engine.client().containers.create(base_image(), name=name, command=["true"])
    try:
        ran = running.run("up", SMALL)
        assert ran.code == 9, ran.err
        assert name in ran.err
        foreign.reload()
        assert foreign.labels == {} or "dev.nexus.instance" not in foreign.labels
    finally:
        foreign.remove(force=True)


def base_image() -> str:
    """Any small image that is present."""
    return next(tag for image in engine.client().images.list() for tag in image.tags if "nexusdev/base" in tag)


def test_an_image_that_no_source_has_is_named_before_anything_starts(small: Project) -> None:
    broken = Project(
        folder=small.folder, state=small.state, extra={"NEXUSDEV_IMAGE_REDIS": "nexusdev/redis:no-such-tag"}
    )
    ran = broken.run("up", SMALL, "--offline")
    if ran.code == 0:
        pytest.fail("the override was not honoured")
    assert ran.code in (7, 12), ran.err


# A start that is cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda each: each.name)
@pytest.mark.parametrize("after", [0.3, 1.0, 2.0, 4.0])
def test_up_that_is_cut_at_any_time_and_run_again_reaches_the_same_end(
    small: Project, with_signal: signal.Signals, after: float
) -> None:
    first = small.start("up", SMALL)
    time.sleep(after)
    first.send_signal(with_signal)
    _, err = first.communicate(timeout=60)
    if with_signal is not signal.SIGKILL:
        assert first.returncode in (0, 128 + with_signal), err.decode()
    assert b"Traceback" not in err
    small.up(SMALL)
    assert ready(small)
    assert small.run("destroy", "--yes").code == 0


def test_a_second_up_at_the_same_time_is_told_who_holds_the_lock(small: Project) -> None:
    first = small.start("up", SMALL)
    time.sleep(0.8)
    second = small.run("up", SMALL)
    out, err = first.communicate(timeout=120)
    assert first.returncode == 0, (out + err).decode()
    assert second.code == 14, second.err
    assert str(first.pid) in second.err


# Containers, volumes and networks that others touch -------------------------------------------------------------------


def remove(project: Project) -> None:
    engine.container(project, "redis-1").remove(force=True)


def stop(project: Project) -> None:
    engine.container(project, "redis-1").stop()


def pause(project: Project) -> None:
    engine.container(project, "redis-1").pause()


def rename(project: Project) -> None:
    engine.container(project, "redis-1").rename(f"renamed-{os.getpid()}")


def detach(project: Project) -> None:
    api = engine.client()
    container = engine.container(project, "redis-1")
    for name in container.attrs["NetworkSettings"]["Networks"]:
        api.networks.get(name).disconnect(container, force=True)


@pytest.mark.parametrize("harm", [remove, stop, pause, rename, detach], ids=lambda harm: harm.__name__)
def test_up_repairs_what_was_done_to_one_container_by_hand(running: Project, harm: Callable[[Project], None]) -> None:
    before = engine.started_at(engine.instance_of(running))
    harm(running)
    running.up(SMALL)
    assert ready(running)
    after = engine.started_at(engine.instance_of(running))
    untouched = {name for name in before if after.get(name) == before[name]}
    assert len(untouched) >= len(before) - 2, "neighbours were touched"


def test_a_volume_that_was_deleted_by_hand_is_filled_again_by_its_peers(running: Project) -> None:
    running.run("redis", "--", "SET", "kept", "yes")
    container = engine.container(running, "redis-1")
    names = [mount["Name"] for mount in container.attrs["Mounts"] if mount.get("Name")]
    container.remove(force=True)
    for name in names:
        engine.client().volumes.get(name).remove(force=True)
    running.up(SMALL)
    assert ready(running)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"


def test_containers_and_network_removed_from_outside_come_back_with_their_data(running: Project) -> None:
    """What ``docker compose down`` does: by its labels, containers first, then the network."""
    running.run("redis", "--", "SET", "kept", "yes")
    api, label = engine.client(), {"label": f"dev.nexus.instance={engine.instance_of(running)}"}
    for container in api.containers.list(all=True, filters=label):
        container.remove(force=True)
    for network in api.networks.list(filters=label):
        network.remove()
    running.up(SMALL)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"


# State ----------------------------------------------------------------------------------------------------------------


def test_a_lost_state_folder_is_said_and_the_data_is_not_overwritten(running: Project) -> None:
    instance = engine.instance_of(running)
    volumes = engine.left_of(instance)["volumes"]
    shutil.rmtree(running.state)
    ran = running.run("up", SMALL)
    assert ran.code == 12, ran.err
    assert "destroy" in ran.err
    assert engine.left_of(instance)["volumes"] == volumes
    assert running.run("destroy", "--yes").code == 0
    assert engine.left_of(instance) == {"containers": [], "networks": [], "volumes": []}


@pytest.mark.parametrize("content", ["", "{", '{"schema_version": 999}'], ids=["empty", "half", "newer"])
def test_a_state_file_that_cannot_be_used_is_named_with_what_to_type(running: Project, content: str) -> None:
    (file,) = running.state.rglob("instance.json")
    kept = file.read_bytes()
    file.write_text(content)
    ran = running.run("up", SMALL)
    assert ran.code == 12, ran.err
    assert str(file) in ran.err
    file.write_bytes(kept)
    running.up(SMALL)


# The project folder ---------------------------------------------------------------------------------------------------


def test_an_env_file_that_git_tracks_is_refused(running: Project) -> None:
    (file,) = [path for path in running.folder.iterdir() if path.name.startswith(".env")]
    git = ["git", "-C", str(running.folder), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "-f", file.name], check=True)
    ran = running.run("env", "--write")
    assert ran.code != 0
    assert "git" in ran.err
    assert file.name in ran.err


# Terminals ------------------------------------------------------------------------------------------------------------


def test_wrong_words_are_answered_with_the_nearest_right_ones(small: Project) -> None:
    for arguments, nearest in ((("statsu",), "status"), (("up", "redsi"), "redis"), (("up", "--ofline"), "--offline")):
        ran = small.run(*arguments)
        assert ran.code == 2, (arguments, ran.err)
        assert nearest in ran.err


def test_forty_columns_and_no_colour_are_respected(running: Project) -> None:
    narrow = Project(folder=running.folder, state=running.state, extra={"COLUMNS": "40", "NO_COLOR": "1"})
    ran = narrow.run("status")
    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.out + ran.err
    assert max(len(line) for line in ran.out.splitlines()) <= 40
