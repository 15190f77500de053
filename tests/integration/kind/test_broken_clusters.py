"""A running cluster breaks: its node restarts, a policy is deleted, a service never starts. Nothing is lost, and the cause is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.integration import application as app
from tests.integration import engine
from tests.integration.application import until
from tests.integration.conftest import Project
from tests.integration.kind.policies import NAMESPACE
from tests.integration.test_failures import writer_for

pytestmark = [pytest.mark.integration, pytest.mark.kind]

#: All systems of the stack that keep data.
_SYSTEMS = ("postgresql", "redis", "vault", "minio")
#: The longest time until everything answers after a restart of the node; some 90 seconds on two cores.
_BACK = 300.0


def node(project: Project) -> Any:
    """The container of the cluster's only node."""
    return engine.client().containers.get(f"nexusdev-{engine.instance_of(project)}-control-plane")


def is_ready(project: Project) -> bool:
    return project.run("status", "--check").code == 0


def written(variables: Mapping[str, str], project: Project) -> dict[str, tuple[app.Writer, set[Any]]]:
    """Write to all systems as an application does. Returns system → its writer, and what was acknowledged."""
    found = {}
    for name in _SYSTEMS:
        writer = writer_for(name, variables, project)
        found[name] = (writer, acknowledged_by(writer))
    return found


def acknowledged_by(writer: app.Writer) -> set[Any]:
    """Write a few times. Returns what was acknowledged."""
    with app.writing(writer) as account:
        until(lambda: len(account.acknowledged) >= 5, seconds=30, what="acknowledged writes")
    return set(account.acknowledged)


@pytest.mark.long  # stop and start, in test_life.py, end and begin the node too
def test_everything_comes_back_by_itself_after_a_restart_of_the_node(
    project: Project, variables: Mapping[str, str]
) -> None:
    before = written(variables, project)
    node(project).restart(timeout=5)
    until(lambda: is_ready(project), seconds=_BACK, what="readiness of all components after the restart")
    for name, (writer, acknowledged) in before.items():
        again = acknowledged_by(writer)  # by a new connection
        assert acknowledged | again <= writer.read(), f"{name} lost acknowledged writes"


@pytest.mark.long
def test_up_right_after_a_restart_of_the_node_waits_for_its_pods(project: Project) -> None:
    node(project).restart(timeout=5)
    ran = project.run("up", timeout=600)
    assert ran.code == 0, ran.err
    assert is_ready(project)
    assert "nothing to do" in project.run("up").out


@pytest.mark.long
def test_a_node_that_was_stopped_by_hand_is_started_by_start(project: Project) -> None:
    node(project).stop(timeout=5)
    status = project.run("status", "--check")
    assert status.code == 4, status.err
    assert node(project).attrs["State"]["Status"] == "exited"
    begun = project.run("start", timeout=600)
    assert begun.code == 0, begun.err
    assert is_ready(project)


def test_a_lost_kubeconfig_is_written_again(project: Project, kubectl: Kubectl) -> None:
    assert kubectl.kubeconfig
    kubectl.kubeconfig.unlink()
    assert is_ready(project)
    assert kubectl.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_a_policy_that_was_deleted_by_hand_is_told_and_comes_back(project: Project, kubectl: Kubectl) -> None:
    kubectl.run("delete", "networkpolicy/default-deny", "--namespace", NAMESPACE)
    shown = project.run("status")
    words = " ".join(f"{shown.out} {shown.err}".split())
    assert "the network policy default-deny is missing: pods are not isolated as they shall be" in words
    project.up()
    assert kubectl.run("get", "networkpolicy/default-deny", "--namespace", NAMESPACE)
    assert "isolated" not in project.run("status").err


@pytest.fixture
def own_service(project: Project) -> Iterator[Project]:
    """The instance with an own service, whose compose file the test writes; without it again afterwards."""
    folder = project.folder
    (folder / "nexusdev.toml").write_text('[stack]\ninclude = ["own.yaml"]\n')
    yield project
    for name in ("nexusdev.toml", "own.yaml"):
        (folder / name).unlink(missing_ok=True)
    project.up()


#: What a pod of an own service needs in a namespace that is restricted.
_RESTRICTED = """user: "10001:10001"
read_only: true
cap_drop: [ALL]
security_opt: ["no-new-privileges:true"]
restart: unless-stopped
"""


def own(service: str) -> str:
    """A compose file with one service on the base image."""
    service = _RESTRICTED + service
    lines = "\n".join(f"    {line}" for line in service.splitlines())
    return f"services:\n  greeter:\n    image: {engine.base_image()}\n{lines}\n"


def test_a_pod_that_crashes_at_start_is_told_with_its_last_lines(own_service: Project) -> None:
    script = '["sh", "-c", "echo the port in greeter.conf is no number >&2; exit 3"]'
    (own_service.folder / "own.yaml").write_text(own(f"command: {script}"))
    ran = own_service.run("up", "--timeout", "3m", timeout=400)
    assert ran.code == 10, ran.err
    assert "the port in greeter.conf is no number" in ran.err
    assert "greeter exited (code 3)" in " ".join(ran.err.split())


@pytest.mark.long
def test_a_pod_that_cannot_be_scheduled_is_told_with_the_words_of_the_cluster(own_service: Project) -> None:
    (own_service.folder / "own.yaml").write_text(own('command: ["sleep", "infinity"]\nmem_limit: 900g'))
    ran = own_service.run("up", "--timeout", "1m", timeout=400)
    assert ran.code != 0
    assert "Insufficient memory" in ran.err
