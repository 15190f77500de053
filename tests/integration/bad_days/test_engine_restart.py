"""The engine is restarted, or gives few file descriptors: data survive, and `start` (or `up`) heals.

On a private engine; the machine's own is never touched.
"""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.integration import engine
from tests.integration.bad_days.conftest import SMALL, ready
from tests.integration.bad_days.private_engine import PrivateEngine, private_engine
from tests.integration.conftest import Project
from tests.selection import examples

pytestmark = pytest.mark.integration


# as OpenVPN sets them, and all private addresses
EVERYTHING = ("0.0.0.0/1", "128.0.0.0/1", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
FEW_FILES = {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 1024}}}


@pytest.fixture(scope="module")
def private() -> Iterator[PrivateEngine]:
    """On a machine with a VPN that routes everything, on an engine whose servers may open few files. The stack must run all the same."""
    with private_engine(FEW_FILES) as made:
        route(made, *EVERYTHING)
        yield made


def route(private: PrivateEngine, *ranges: str) -> None:
    """Route these ranges through an interface of the engine's machine, as a VPN does."""
    for words in (
        "link add vpn0 type veth peer name vpn1",
        "link set vpn1 up",
        "address add 10.99.0.2/32 dev vpn0",
        "link set vpn0 up",
        *(f"route add {each} dev vpn0" for each in ranges),
    ):
        subprocess.run([*private.inside, "ip", *words.split()], check=True)


@pytest.fixture(scope="module")
def away(private: PrivateEngine, make_project: Callable[..., Project], days: Project) -> Iterator[Project]:
    """A small instance on the private engine, ready. Its images are those of the small instance on the machine's engine."""
    days.up(SMALL)
    label = {"label": f"dev.nexus.instance={engine.instance_of(days)}"}
    used = {container.image.tags[0] for container in engine.client().containers.list(filters=label)}
    private.take(sorted(used))
    made = make_project("away")
    project = replace(made, extra={"DOCKER_HOST": private.url}, before=private.inside)
    first = project.up(SMALL, "--offline")
    assert "is part of route 10.0.0.0/8 via vpn0" in " ".join(first.err.split())
    yield project
    assert project.run("destroy", "--yes").code == 0


@pytest.mark.parametrize(
    ("ended_by", "command"),
    examples(
        [(signal.SIGTERM, ("start",)), (signal.SIGKILL, ("up", SMALL, "--offline"))], in_make_test=[signal.SIGKILL]
    ),
    ids=["stopped, then start", "killed, then up"],
)
def test_an_engine_restart_loses_no_data(
    private: PrivateEngine, away: Project, ended_by: signal.Signals, command: tuple[str, ...]
) -> None:
    assert away.run("redis", "--", "SET", "kept", ended_by.name).out.strip() == "OK"
    private.stop(ended_by)
    lost = away.run("status")
    assert lost.code == 5, lost.out
    assert "no Docker engine answers" in lost.err
    private.start()
    healed = away.run(*command)
    assert healed.code == 0, healed.err
    assert ready(away)
    assert away.run("redis", "--", "GET", "kept").out.strip() == ended_by.name
    assert away.run("run", "--", "true").code == 0, "its variables are proven"


def test_doctor_reports_a_low_open_files_limit_and_reads_secrets_back(away: Project) -> None:
    checks = json.loads(away.run("doctor", "--json").out)["data"]["checks"]
    found = {each["name"]: each for each in checks}
    assert found["secrets"]["verdict"] == "ok"
    assert (found["open files"]["verdict"], "1024 files" in found["open files"]["evidence"]) == ("warning", True)
    assert "default-ulimits" in found["open files"]["fix"]
