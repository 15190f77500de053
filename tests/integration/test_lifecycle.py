"""up, stop, start, down, destroy: distinct commands on the real stack."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project, variables_of
from tests.integration.monitoring.test_monitoring import ask
from tests.integration.test_failures import writer_for

pytestmark = pytest.mark.integration

SYSTEMS = ("postgresql", "redis", "minio", "vault")


#: Seconds. Prometheus reads what it recorded before a short break as if it were of now (``--query.lookback-delta``).
BREAK = 15


def one_record_each(project: Project, variables: Mapping[str, str]) -> dict[str, app.Writer]:
    """One record in each of the four systems."""
    writers = {name: writer_for(name, variables, project) for name in SYSTEMS}
    for writer in writers.values():
        writer.connect()
        writer.write(7)
    return writers


@pytest.fixture
def written(project: Project, variables: Mapping[str, str]) -> dict[str, app.Writer]:
    return one_record_each(project, variables)


def all_kept(writers: Mapping[str, app.Writer]) -> bool:
    for writer in writers.values():
        writer.close()
        writer.connect()
    return all(writer.read() == {7} for writer in writers.values())


def test_a_second_up_changes_nothing_and_says_so(project: Project) -> None:
    before = engine.started_at(engine.instance_of(project))
    again = project.up()
    assert engine.started_at(engine.instance_of(project)) == before
    assert "nothing to do" in (again.out + again.err).lower()


def test_data_survives_stop_and_start(project: Project, written: dict[str, app.Writer]) -> None:
    assert project.run("stop").code == 0
    assert project.run("status", "--check").code != 0
    assert project.run("start").code == 0
    assert all_kept(written)


@dataclass(frozen=True, kw_only=True)
class Back:
    """A stack after ``down`` and ``up``: what was written and known before, what was left between, and when it was ready again."""

    writers: Mapping[str, app.Writer]
    variables: Mapping[str, str]
    left: Mapping[str, list[str]]
    ready: float


@pytest.fixture(scope="module")
def back(project: Project) -> Back:
    variables = variables_of(project)
    writers = one_record_each(project, variables)
    assert project.run("down").code == 0
    left = engine.left_of(engine.instance_of(project))
    time.sleep(BREAK)
    project.up()
    return Back(writers=writers, variables=variables, left=left, ready=time.monotonic())


@pytest.mark.alone
def test_data_survives_down_and_up_and_the_env_file_stays_valid(project: Project, back: Back) -> None:
    assert (back.left["containers"], back.left["networks"]) == ([], [])
    assert back.left["volumes"]
    assert all_kept(back.writers)
    assert dict(back.variables) == json.loads(project.run("env", "--format", "json").out)


@pytest.mark.alone
def test_a_stack_restarted_within_half_a_minute_fires_no_alert(back: Back, variables: Mapping[str, str]) -> None:
    time.sleep(max(0.0, back.ready + BREAK - time.monotonic()))
    fired = ask(
        variables, "/api/v1/query", query='count_over_time(ALERTS{alertstate="firing",severity="critical"}[25s])'
    )
    assert [row["metric"]["alertname"] for row in fired["result"]] == []


@pytest.mark.long
def test_restart_brings_everything_back(project: Project, written: dict[str, app.Writer]) -> None:
    assert project.run("restart").code == 0
    assert all_kept(written)
    assert project.run("status", "--check").code == 0


@pytest.mark.usefixtures("heal")
def test_start_restores_all_killed_containers_unsealed(project: Project, written: dict[str, app.Writer]) -> None:
    label = {"label": f"dev.nexus.instance={engine.instance_of(project)}"}
    for container in engine.client().containers.list(filters=label):
        container.kill()
    assert project.run("start").code == 0
    assert all_kept(written)


@pytest.mark.alone
def test_two_instances_run_side_by_side(project: Project, make_project: Callable[..., Project]) -> None:
    first = engine.started_at(engine.instance_of(project))
    # The same state folder: the allocation of ports and subnets has to keep the two apart.
    other = Project(folder=make_project("second").folder, state=project.state)
    try:
        ran = other.run("up", "redis")
        assert ran.code == 0, ran.err
        assert engine.started_at(engine.instance_of(project)) == first
        ports = [{row["port"] for row in each.run("ports", "--json").data["ports"]} for each in (project, other)]
        assert not ports[0] & ports[1]
        listed = {row["name"] for row in other.run("ls", "--json").data["instances"]}
        assert {engine.instance_of(project), engine.instance_of(other)} <= listed
    finally:
        instance = engine.instance_of(other)
        assert other.run("destroy", "--yes").code == 0
    assert engine.left_of(instance) == {"containers": [], "networks": [], "volumes": []}
    assert engine.started_at(engine.instance_of(project)) == first


def test_a_third_checkout_is_refused(project: Project, make_project: Callable[..., Project]) -> None:
    thief = Project(folder=make_project("thief").folder, state=project.state)
    ran = thief.run("up", "--instance", engine.instance_of(project))
    assert ran.code == 9, ran.err
    assert str(project.folder) in ran.err


def test_status_check_and_wait_distinguish_ready_from_not_ready(project: Project) -> None:
    assert project.run("status", "--check").code == 0
    assert project.run("wait", "postgres", "--for", "writable", "--timeout", "10").code == 0
    assert project.run("wait", "vault", "--for", "unsealed", "--timeout", "10").code == 0
    began = time.monotonic()
    assert project.run("wait", "redis", "--for", "down", "--timeout", "1").code == 11
    assert time.monotonic() - began < 8
