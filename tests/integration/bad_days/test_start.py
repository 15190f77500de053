"""A start that cannot be: ports and names of others, images that nobody has, servers that end or never get ready, two at once."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.bad_days.cutting import line_that_begins
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def with_image(project: Project, reference: str) -> Project:
    return replace(project, extra={"NEXUSDEV_IMAGE_REDIS": reference})


def test_a_taken_port_of_the_block_names_its_process(resting: Project) -> None:
    rows = resting.run("ports", "--json").data["ports"]
    port = next(row["port"] for row in rows if row["service"] == "redis-0")
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", port))
        holder.listen()
        ran = resting.run("up", SMALL)
    assert ran.code == 6, ran.err
    words = " ".join(ran.err.split())
    assert f"port {port} is in use by " in words
    assert f"(pid {os.getpid()})" in words
    assert "nexusdev up --move-ports" in ran.err


def test_a_foreign_container_with_our_name_is_named_and_left_alone(resting: Project) -> None:
    name = f"nexusdev-{engine.instance_of(resting)}-redis-0-1"
    foreign = engine.client().containers.create(engine.base_image(), name=name, command=["true"])
    try:
        ran = resting.run("up", SMALL)
        assert ran.code == 9, ran.err
        assert f"the container name for redis-0 is in use: {name}" in ran.err
        assert f"docker rm {name}" in ran.err
        assert engine.client().containers.get(name).id == foreign.id
    finally:
        foreign.remove(force=True)


def test_offline_a_missing_image_is_named_before_anything_starts(small: Project) -> None:
    ran = with_image(small, "nexusdev/redis:no-such-tag").run("up", SMALL, "--offline")
    assert ran.code == 7, ran.err
    assert "redis" in ran.err.partition("\n")[0]
    assert "next" in ran.err
    assert engine.left_of(engine.instance_of(small))["containers"] == []


def test_an_invalid_image_name_quotes_the_registry(gone_at_the_end: Project) -> None:
    ran = with_image(gone_at_the_end, "127.0.0.1:9/nobody/redis:none").run("up", SMALL)
    assert ran.code == 7, ran.err
    assert "127.0.0.1:9/nobody/redis:none" in ran.err


def test_a_failed_up_keeps_ports_and_interpolation_variables(resting: Project) -> None:
    def kept() -> list[bytes]:
        folder = resting.state / "instances" / engine.instance_of(resting)
        return [(folder / name).read_bytes() for name in ("instance.json", "compose.env")]

    before = kept()
    wrong = {f"NEXUSDEV_IMAGE_{name}": "127.0.0.1:9/nobody/none:none" for name in ("REDIS", "HAPROXY")}
    ran = replace(resting, extra=wrong).run("up", SMALL, "--move-ports")
    assert ran.code == 7, ran.err
    assert kept() == before


@pytest.fixture
def spoiled(running: Project) -> Iterator[str]:
    """A replica whose data were spoiled while it was down; its volume is thrown away afterwards."""
    service = engine.node_with_role(running, "replica")
    container = engine.container(running, service)
    container.exec_run(["sh", "-c", "echo spoiled > /data/redis/appendonlydir/appendonly.aof.manifest"])
    container.kill()
    yield service
    volume = next(mount["Name"] for mount in container.attrs["Mounts"] if mount.get("Name"))
    container.remove(force=True)
    engine.client().volumes.get(volume).remove(force=True)
    running.up(SMALL, "--recreate-volumes")


def test_a_server_that_exits_at_start_is_reported_with_cause_and_log(running: Project, spoiled: str) -> None:
    ran = running.run("up", SMALL)
    assert ran.code == 10, ran.err
    assert f"redis is not ready: {spoiled} exited (code 1)" in ran.err
    assert "why       its log contains: " in ran.err
    assert "FATAL AOF MANIFEST FILE ERROR" in ran.err, "the end of its log"
    assert f"nexusdev logs {spoiled}" in ran.err
    assert engine.container(running, spoiled).status == "exited", "the wreck is kept, and not started again for ever"


def test_a_server_that_never_becomes_ready_is_reported_with_what_is_missing(running: Project) -> None:
    frozen = engine.container(running, "redis-1")
    frozen.kill(signal="SIGSTOP")  # it runs, and says nothing
    try:
        ran = running.run("up", SMALL, "--timeout", "3")
    finally:
        frozen.kill(signal="SIGCONT")
    assert ran.code == 11, ran.err
    assert "redis is not ready after 3 s" in ran.err
    assert "why       redis-1 does not answer" in ran.err
    assert "--timeout 60" in ran.err


def test_a_concurrent_up_waits_for_the_first_and_does_nothing(resting: Project) -> None:
    first = resting.start("up", SMALL)
    line_that_begins(first, "plan: ")
    second = resting.run("up", SMALL)
    out, err = first.communicate(timeout=180)
    assert first.returncode == 0, (out + err).decode()
    assert second.code == 0, second.err
    assert second.err.count(f"waiting for nexusdev up (pid {first.pid}) to end") == 1
    assert "nothing to do" in second.out
    assert ready(resting)


@pytest.mark.long  # test_lifecycle.py has two instances side by side
def test_two_concurrent_projects_get_their_own_ports_and_networks(
    make_project: Callable[..., Project],
) -> None:
    """Each with a state folder of its own, as two users have."""
    users = [make_project(name) for name in ("ann", "bob")]
    processes = [each.start("up", SMALL) for each in users]
    for each, process in zip(users, processes, strict=True):
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, (out + err).decode()
        assert ready(each)
    found = [each.run("ports", "--json").data for each in users]
    blocks, subnets = ({str(each[key]) for each in found} for key in ("block", "subnet"))
    assert len(blocks) == len(subnets) == len(users)
    for each in users:
        assert each.run("destroy", "--yes").code == 0


def test_destroy_is_refused_during_an_up(resting: Project) -> None:
    first = resting.start("up", SMALL)
    line_that_begins(first, "plan: ")
    second = resting.run("destroy", "--yes")
    out, err = first.communicate(timeout=180)
    assert first.returncode == 0, (out + err).decode()
    assert second.code == 14, second.err
    assert f"nexusdev up (pid {first.pid})" in second.err
    assert ready(resting)


def test_wait_continues_during_a_restart(running: Project) -> None:
    restart = running.start("restart", SMALL)
    line_that_begins(restart, "stop ")
    waiting = running.run("wait", SMALL)
    out, err = restart.communicate(timeout=180)
    assert restart.returncode == 0, (out + err).decode()
    assert waiting.code == 0, waiting.err


def test_wait_reports_a_killed_server_immediately(running: Project) -> None:
    engine.container(running, "redis-1").stop()
    waiting = running.start("wait", SMALL, "--timeout", "60")
    line_that_begins(waiting, "wait redis: ")
    engine.container(running, "redis-0").kill()
    began = time.monotonic()
    _, err = waiting.communicate(timeout=60)
    assert time.monotonic() - began < 10
    running.up(SMALL)
    assert waiting.returncode == 10, err.decode()
    assert "redis-0 exited (code 137)" in err.decode()
