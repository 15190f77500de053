"""The runtime of an instance in kind: what a stopped node is known to have, and its end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nexusdev.errors import PreflightFailed
from nexusdev.faults import Fault
from nexusdev.plan import Down, Intent, Phase, Plan, Start, Stop
from nexusdev.runtimes.docker.labels import OWNER_PATH
from nexusdev.runtimes.kind.cluster import KindCluster
from nexusdev.runtimes.kind.kind_cli import KindCli
from nexusdev.runtimes.kind.node import Node
from nexusdev.runtimes.kind.runtime import KindRuntime
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.unit.runtimes.kind.fakes import FakeMachine
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster
from tests.unit.runtimes.kubernetes.test_runtime import OWNER, stack, up

NODE = "nexusdev-shop-control-plane"


class Bench:
    """A machine with the cluster of one instance. Each ``runtime`` is that of another command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = FakeMachine()
        self.machine.image_labels = {"dev.nexus.instance": "shop", OWNER_PATH: OWNER}
        self.inside = FakeCluster()
        self.answers = True
        create(self.cluster())

    def cluster(self) -> KindCluster:
        bench = self

        class Connected(KindCluster):
            def connect(self) -> Kubectl:
                if not bench.answers:
                    raise PreflightFailed("it does not answer", code="CLUSTER_UNREACHABLE")
                return bench.inside

        return Connected(
            "nexusdev-shop",
            instance="shop",
            folder=self.folder / "kind",
            kind=lambda: KindCli(commands=self.machine, program="kind", network="nexusdev-shop"),
            node=Node(name=NODE, engine=self.machine, commands=self.machine),  # type: ignore[arg-type]
            kubectl=lambda: "kubectl",
            steady=0,
        )

    def runtime(self) -> KindRuntime:
        cluster = self.cluster()
        return KindRuntime(
            "shop",
            owner_path=OWNER,
            state_path=str(self.folder),
            stack=stack(),
            cluster=cluster,
            create=lambda: create(cluster),
        )

    def do(self, intent: Intent) -> Plan:
        runtime = self.runtime()
        plan = runtime.plan(intent)
        for step in plan.steps:
            runtime.apply(step)
        return plan


def create(cluster: KindCluster) -> None:
    with cluster.made() as mark:
        cluster.create(b"{}", "node:1", mark)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_all_volumes_are_folders_of_the_node_and_are_made_at_once(bench: Bench) -> None:
    bench.do(up())
    [made] = [call for call in bench.machine.calls if "mkdir" in call]
    folders = [each for each in made if each.startswith("/var/nexusdev-volumes/nexus-architect/")]
    assert len(folders) == len(stack().volumes)
    bound = [bench.inside.objects["PersistentVolume", name] for name in bench.inside.names("PersistentVolume")]
    assert {each["spec"]["hostPath"]["path"] for each in bound} == set(folders)
    assert {each["spec"]["claimRef"]["name"] for each in bound} == set(bench.inside.names("PersistentVolumeClaim"))


def test_a_cluster_with_nothing_in_it_has_the_ports_of_its_instance(bench: Bench) -> None:
    published = {name for name, each in stack().services.items() if each.ports}
    assert bench.runtime().observe().holding_ports == published


def test_a_stopped_node_is_described_as_it_was_seen(bench: Bench) -> None:
    bench.do(up())
    bench.do(Stop())
    assert not bench.machine.containers[NODE]["running"]
    seen = bench.runtime().observe()
    assert {each.phase for each in seen.services.values()} == {Phase.STOPPED}
    assert len(seen.volumes) == len(stack().volumes)
    assert not bench.machine.containers[NODE]["running"]


def test_a_question_does_not_start_a_stopped_node_of_which_nothing_is_known(bench: Bench) -> None:
    bench.do(up())
    (bench.folder / "kind" / "snapshot.json").unlink(missing_ok=True)
    bench.machine.containers[NODE]["running"] = False
    seen = bench.runtime().observe()
    assert (len(seen.services), seen.owners) == (0, frozenset({OWNER}))
    [problem] = seen.problems
    assert problem.fix == "nexusdev start"
    assert not bench.machine.containers[NODE]["running"]


def test_down_says_how_a_node_of_which_nothing_is_known_is_taken_down(bench: Bench) -> None:
    bench.do(up())
    (bench.folder / "kind" / "snapshot.json").unlink(missing_ok=True)
    bench.machine.containers[NODE]["running"] = False
    with pytest.raises(PreflightFailed) as caught:
        bench.runtime().plan(Down(volumes=False))
    assert (caught.value.code, caught.value.hint) == (
        "NODE_STOPPED",
        "nexusdev start   start it\nnexusdev down    then repeat this",
    )


def test_a_node_that_another_process_starts_is_described_as_it_was_seen(bench: Bench) -> None:
    bench.do(up())
    bench.do(Stop())
    bench.machine.containers[NODE]["running"] = True
    bench.machine.started_at = datetime.now(UTC).isoformat()
    bench.answers = False
    assert {each.phase for each in bench.runtime().observe().services.values()} == {Phase.STOPPED}


def test_a_node_that_runs_for_long_and_does_not_answer_is_an_error(bench: Bench) -> None:
    bench.do(up())
    bench.answers = False
    with pytest.raises(PreflightFailed, match="it does not answer"):
        bench.runtime().observe()


@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_destroy_removes_the_cluster_and_tells_what_went_with_it(bench: Bench, *, running: bool) -> None:
    bench.do(up())
    bench.runtime().observe()
    bench.machine.containers[NODE]["running"] = running
    inside = len(bench.inside.deeds)
    plan = bench.do(Down(volumes=True))
    assert len([each for each in plan.steps if each.removes == "volumes"]) == len(stack().volumes)
    assert len(bench.inside.deeds) == inside  # nothing is done in it
    assert (bench.machine.containers, (bench.folder / "kind").exists()) == ({}, False)


def test_a_stopped_instance_starts_with_its_node(bench: Bench) -> None:
    bench.do(up())
    bench.do(Stop())
    actions = [str(each.action) for each in bench.runtime().plan(Start()).steps]
    assert actions[0] == "start cluster"


def test_a_killed_server_is_killed_from_the_node_and_its_pod_is_held(bench: Bench) -> None:
    bench.do(up())
    (kind, name), pod = next(each for each in bench.inside.objects.items() if each[0][0] == "Pod")
    container = pod["status"]["containerStatuses"][0]
    container["containerID"] = "containerd://4711"
    bench.runtime().faults.inject(Fault.KILL, next(iter(bench.runtime().observe().services)))
    assert bench.machine.calls[-1][4:] == [
        "ctr",
        "--namespace",
        "k8s.io",
        "tasks",
        "kill",
        "--signal",
        "SIGKILL",
        "4711",
    ]
    assert bench.inside.objects[kind, name]["metadata"]["annotations"]["nexus.dev/killed"] == "true"
