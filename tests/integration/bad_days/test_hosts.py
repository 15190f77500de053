"""Machines, shells and accounts that are not like ours."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker.types
import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


@pytest.fixture
def private_checkout(tmp_path: Path) -> Path:
    """A checkout that was made with umask 077."""
    for name in ("nexusdev", "compose"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in tmp_path.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    return tmp_path


def test_up_works_from_a_private_checkout(gone_at_the_end: Project, private_checkout: Path) -> None:
    project = replace(
        gone_at_the_end, extra={"PYTHONPATH": str(private_checkout)}, before=("sh", "-c", 'umask 077; "$@"', "sh")
    )
    ran = project.run("up", SMALL)
    assert ran.code == 0, ran.err
    assert ready(project)


def test_an_engine_that_cannot_see_the_state_is_reported_first(small: Project) -> None:
    """As in a container with nothing but the engine's socket: a file system of its own at the state's path."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    alone = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(small.state))
    ran = replace(small, before=alone).run("--json", "up", SMALL)
    assert ran.code == 5, ran.err
    error = json.loads(ran.out)["error"]
    assert error["code"] == "FILES_NOT_SHARED"
    assert f"-v {small.state}:{small.state}" in error["hint"]
    assert str(small.folder) not in [each["project"] for each in small.run("ls", "--json").data["instances"]]
    assert list(small.state.rglob("instance.json")) == []


def test_a_network_of_its_own_is_reported_before_anything_is_created(small: Project, tmp_path_factory: Any) -> None:
    """As in a container with the engine's socket and all files at the same paths, but with a network of its own."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    socket = tmp_path_factory.mktemp("s") / "docker.sock"
    socket.touch()
    script = 'mount --bind /var/run/docker.sock "$0" && mount -t tmpfs none /run && touch /run/.containerenv && mount -t sysfs none /sys && exec "$@"'
    alone = ("unshare", "--mount", "--net", "sh", "-c", script, str(socket))
    ran = replace(small, before=alone, extra={"DOCKER_HOST": f"unix://{socket}"}).run("--json", "up", SMALL)
    assert ran.code == 5, ran.err
    error = json.loads(ran.out)["error"]
    assert error["code"] == "PORTS_NOT_SHARED"
    assert "--network host" in error["hint"]
    assert list(small.state.rglob("instance.json")) == []


@pytest.fixture
def left_behind(resting: Project) -> Iterator[tuple[int, int]]:
    """A port of the instance that a docker-proxy without an engine holds, and the process."""
    program = shutil.which("docker-proxy")
    if program is None:
        pytest.skip("this engine has no docker-proxy")
    port = min(int(row["port"]) for row in resting.run("ports", "--json").data["ports"])
    options = {"-proto": "tcp", "-host-ip": "127.0.0.1", "-host-port": str(port), "-container-port": "1"}
    words = [word for option in ({**options, "-container-ip": "127.0.0.1"}).items() for word in option]
    reading, writing = os.pipe()
    try:
        # it reports its start to file descriptor 3
        proxy = subprocess.Popen(
            ["bash", "-c", f'"$@" 3>&{writing} & echo $!; wait', "-", program, *words],
            stdout=subprocess.PIPE,
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        assert os.read(reading, 1) == b"0"
    finally:
        os.close(reading)
    assert proxy.stdout is not None
    pid = int(proxy.stdout.readline())
    yield port, pid
    os.kill(pid, signal.SIGKILL)
    proxy.wait(timeout=10)


def test_a_port_of_a_left_docker_proxy_is_reported_with_how_to_end_it(
    resting: Project, left_behind: tuple[int, int]
) -> None:
    port, pid = left_behind
    ran = resting.run("--json", "up", SMALL)
    assert ran.code == 6, ran.err
    error = json.loads(ran.out)["error"]
    assert (
        f"port {port} is in use by docker-proxy left behind by a dockerd that was killed (pid {pid})"
        in error["message"]
    )
    assert error["hint"].startswith(f"kill {pid}   end what was left behind")


@pytest.mark.skipif(
    shutil.which("faketime") is None, reason="faketime is not installed; the clock of the machine is everybody's"
)
@pytest.mark.parametrize(("jump", "code"), [("-2h", 5), ("+20m", 0)])
def test_a_jumped_clock_is_named_and_leaves_no_trace(running: Project, jump: str, code: int) -> None:
    """A late clock stops `up`: no certificate would be valid. An early one does not, where nothing is to be done."""
    jumped = replace(running, before=("faketime", "-f", jump))
    checks = {each["name"]: each for each in json.loads(jumped.run("doctor", "--json").out)["data"]["checks"]}
    assert checks["clock"]["verdict"] == "failed"
    assert "the engine's clock says" in checks["clock"]["evidence"]
    ran = jumped.run("up", SMALL)
    assert ran.code == code, ran.err
    assert ("CLOCK_SKEW" in ran.err) == (code != 0)
    running.up(SMALL)
    assert ready(running)
    assert running.run("run", "--", "true").code == 0, "its variables are proven"


def attach(project: Project, count: int, image: str) -> list[Any]:
    """Containers of somebody else on the instance's network, with addresses of the engine's choice."""
    network = f"nexusdev-{engine.instance_of(project)}_nexus"
    run = engine.client().containers.run
    return [run(image, ["sleep", "600"], network=network, detach=True, entrypoint=[]) for _ in range(count)]


def test_foreign_containers_never_get_the_address_of_a_service(running: Project) -> None:
    assert running.run("stop", "redis-0").code == 0
    others = attach(running, 3, engine.base_image())
    try:
        for each in others:
            each.reload()
            (found,) = each.attrs["NetworkSettings"]["Networks"].values()
            assert int(found["IPAddress"].rpartition(".")[2]) >= 192
        started = running.run("start", "redis-0")
        assert started.code == 0, started.err
    finally:
        for each in others:
            each.remove(force=True)


def test_up_recreates_a_pruned_network_and_start_points_to_up(running: Project) -> None:
    assert running.run("redis", "--", "SET", "kept", "yes").out.strip() == "OK"
    assert running.run("stop").code == 0
    name = f"nexusdev-{engine.instance_of(running)}_nexus"
    engine.client().networks.get(name).remove()
    refused = running.run("--json", "start")
    assert refused.code == 3, refused.err
    assert json.loads(refused.out)["error"]["code"] == "NETWORK_MISSING"
    assert "nexusdev up" in json.loads(refused.out)["error"]["hint"]
    running.up(SMALL)
    assert running.run("redis", "--", "GET", "kept").out.strip() == "yes"


def test_a_taken_subnet_is_replaced_by_another(resting: Project) -> None:
    subnet = resting.run("ports", "--json").data["subnet"]
    pool = docker.types.IPAMPool(subnet=subnet)
    taker = engine.client().networks.create(
        f"taker-{engine.instance_of(resting)}", driver="bridge", ipam=docker.types.IPAMConfig(pool_configs=[pool])
    )
    try:
        preview = resting.run("up", SMALL, "--dry-run")
        assert f"of network {taker.name}" in " ".join(preview.err.split())
        resting.up(SMALL)
        assert resting.run("ports", "--json").data["subnet"] != subnet
        assert ready(resting)
    finally:
        taker.remove()


def test_the_gateway_runs_with_a_low_open_files_limit(running: Project) -> None:
    """Its own configuration, in a container with as few as an engine with default-ulimits may give."""
    mine = engine.container(running, "gateway-rw")
    few = [docker.types.Ulimit(name="nofile", soft=1024, hard=1024)]
    sources = {
        each["Source"]: {"bind": each["Destination"], "mode": "ro"}
        for each in mine.attrs["Mounts"]
        if each["Type"] == "bind"
    }
    other = engine.client().containers.run(
        mine.image.id,
        entrypoint=mine.attrs["Config"]["Entrypoint"],
        user=mine.attrs["Config"]["User"],
        environment=mine.attrs["Config"]["Env"],
        network_mode="none",
        ulimits=few,
        volumes=sources,
        detach=True,
        extra_hosts=dict.fromkeys(_hosts(mine), "127.0.0.1"),
    )
    try:
        time.sleep(3)
        other.reload()
        assert other.status == "running", other.logs().decode()
        assert "Cannot raise FD limit" not in other.logs().decode()
    finally:
        other.remove(force=True)


def _hosts(container: Any) -> list[str]:
    return [each.partition(":")[0] for each in container.attrs["HostConfig"]["ExtraHosts"]]
