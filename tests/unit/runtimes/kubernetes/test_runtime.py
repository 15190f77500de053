"""The runtime over a cluster in memory: what is planned, and what applying it changes. ``tests/contract`` has the real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch
from nexusdev.interfaces import View
from nexusdev.plan import Discard, Down, Halt, Intent, Phase, Plan, Restart, Start, Stop, Up
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.runtime import KubernetesRuntime
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import FileMount, Secret, SecretRecipe, Stack, VolumeMount
from tests.contract.bench import small_stack
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster

OWNER = "/home/dev/shop"
MEMBERS = ("db-0", "db-1", "db-2")


def stack() -> Stack:
    """A group of three members with a volume each, the store of the contract suite, and a service of which the gateway for development is made."""
    small = small_stack("nexusdev-shop", image="tiny:1", port=21001)
    members = {
        name: replace(
            small.services["store-1"],
            name=name,
            group="db",
            ordinal=number,
            component="db",
            volumes=(VolumeMount(volume=name, target="/data"),),
        )
        for number, name in enumerate(MEMBERS)
    }
    gateway = replace(small.services["store-1"], serves={"store-second": (8080,)})
    services = {**small.services, "store-1": gateway, **members}
    return replace(small, services=services, volumes=("store-0", *MEMBERS))


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def runtime(cluster: FakeCluster, wanted: Stack | None = None, *, owner: str = OWNER) -> KubernetesRuntime:
    access = ClusterAccess(connect=lambda: cluster, namespace="ns")
    return KubernetesRuntime("shop", owner_path=owner, state_path="/state", stack=wanted or stack(), cluster=access)


def ask(cluster: FakeCluster, intent: Intent | None = None, wanted: Stack | None = None) -> Plan:
    own = runtime(cluster, wanted)
    plan = own.plan(intent or up(wanted))
    for step in plan.steps:
        own.apply(step)
    return plan


def up(wanted: Stack | None = None) -> Up:
    found = wanted or stack()
    return Up(stack=found, fingerprints=fingerprints(found))


def phases(cluster: FakeCluster) -> dict[str, Phase]:
    return {name: each.phase for name, each in runtime(cluster).observe().services.items()}


def test_everything_runs_after_up(cluster: FakeCluster) -> None:
    ask(cluster)
    assert phases(cluster) == dict.fromkeys(stack().services, Phase.RUNNING)
    assert set(runtime(cluster).observe().volumes) == {"store-0", *MEMBERS}


def test_a_second_up_touches_nothing(cluster: FakeCluster) -> None:
    ask(cluster)
    cluster.deeds.clear()
    assert str(ask(cluster)) == "nothing to do"
    assert cluster.deeds == []


def test_the_claims_of_a_group_are_those_that_its_statefulset_looks_for(cluster: FakeCluster) -> None:
    ask(cluster)
    assert {"data-db-0", "data-db-1", "data-db-2"} <= set(cluster.names("PersistentVolumeClaim"))
    assert runtime(cluster).volume_name("db-1") == "ns/data-db-1" == runtime(cluster).observe().volumes["db-1"]


def test_one_member_of_a_group_stops_and_starts_again(cluster: FakeCluster) -> None:
    ask(cluster)
    plan = ask(cluster, Stop(services=["db-1"]))
    assert [step.ends for step in plan.steps] == [{"db-1"}]
    assert phases(cluster)["db-1"] is Phase.STOPPED
    assert (phases(cluster)["db-0"], phases(cluster)["db-2"]) == (Phase.RUNNING, Phase.RUNNING)
    plan = ask(cluster, Start(services=["db-1"]))
    assert plan.started == ("db-1",)
    assert phases(cluster)["db-1"] is Phase.RUNNING


def test_up_starts_a_stopped_member_alone(cluster: FakeCluster) -> None:
    ask(cluster)
    ask(cluster, Stop(services=["db-1"]))
    assert ask(cluster).started == ("db-1",)


def test_a_stopped_instance_has_no_pods(cluster: FakeCluster) -> None:
    ask(cluster)
    ask(cluster, Stop())
    assert cluster.names("Pod") == []
    assert set(phases(cluster).values()) == {Phase.STOPPED}
    ask(cluster, Start())
    assert set(phases(cluster).values()) == {Phase.RUNNING}


def test_a_restart_replaces_the_pod_of_the_member_alone(cluster: FakeCluster) -> None:
    ask(cluster)
    before = {name: cluster.pod(name)["metadata"]["uid"] for name in MEMBERS}
    ask(cluster, Restart(services=["db-2"]))
    after = {name: cluster.pod(name)["metadata"]["uid"] for name in MEMBERS}
    assert [name for name in MEMBERS if before[name] != after[name]] == ["db-2"]


def test_the_data_of_one_member_is_discarded(cluster: FakeCluster) -> None:
    ask(cluster)
    ask(cluster, Discard(services={"db-1": ["db-1"]}))
    assert "db-1" not in runtime(cluster).observe().volumes
    assert phases(cluster)["db-1"] is Phase.STOPPED
    plan = ask(cluster)
    assert (plan.made_volumes, plan.started) == (("db-1",), ("db-1",))
    assert set(phases(cluster).values()) == {Phase.RUNNING}


def test_up_with_discard_starts_the_member_with_a_new_volume(cluster: FakeCluster) -> None:
    ask(cluster)
    plan = ask(cluster, replace(up(), discard={"db-1": ["db-1"]}))
    assert [step.resource for step in plan.steps if step.removes == "volumes"] == ["db-1"]
    assert (plan.made_volumes, plan.started) == (("db-1",), ("db-1",))
    assert set(phases(cluster).values()) == {Phase.RUNNING}


def test_a_crashed_service_is_held(cluster: FakeCluster) -> None:
    ask(cluster)
    cluster.crash("db-0", "db")
    assert phases(cluster)["db-0"] is Phase.RESTARTING
    ask(cluster, Halt(service="db-0"))
    assert runtime(cluster).observe().services["db-0"].has_ended
    assert ask(cluster).started == ("db-0",)


def test_a_deployment_that_is_held_has_no_other_pod(cluster: FakeCluster) -> None:
    ask(cluster)
    cluster.crash(next(name for name in cluster.names("Pod") if name.startswith("store-1")), "store-1")
    ask(cluster, Halt(service="store-1"))
    assert len([name for name in cluster.names("Pod") if name.startswith("store-1")]) == 1
    assert ask(cluster).started == ("store-1",)
    assert set(phases(cluster).values()) == {Phase.RUNNING}


def test_a_policy_that_was_deleted_by_hand_comes_back_and_starts_nothing(cluster: FakeCluster) -> None:
    ask(cluster)
    del cluster.objects["NetworkPolicy", "store-0"]
    assert "isolated" in runtime(cluster).observe().problems[0].evidence
    plan = ask(cluster)
    assert plan.started == ()
    assert "NetworkPolicy store-0 is missing" in str(plan)
    assert ("NetworkPolicy", "store-0") in cluster.objects


def test_down_keeps_the_claims_and_the_namespace(cluster: FakeCluster) -> None:
    ask(cluster)
    ask(cluster, Down(volumes=False))
    assert {kind for kind, _ in cluster.objects} == {"PersistentVolumeClaim", "Namespace"}
    ask(cluster, Down(volumes=True))
    assert cluster.objects == {}


def test_another_folder_is_refused(cluster: FakeCluster) -> None:
    ask(cluster)
    with pytest.raises(IdentityMismatch, match=OWNER):
        runtime(cluster, owner="/home/dev/other").plan(up())


def test_a_foreign_namespace_is_refused(cluster: FakeCluster) -> None:
    cluster.objects["Namespace", "ns"] = {"kind": "Namespace", "metadata": {"name": "ns"}}
    with pytest.raises(IdentityMismatch, match="namespace ns does not belong") as raised:
        runtime(cluster).plan(up())
    assert raised.value.code == "FOREIGN_NAMESPACE"


def with_password(file: Path) -> Stack:
    found = stack()
    mount = FileMount(kind="secret", name="word", source=file, target="/run/secrets/word")
    reader = replace(found.services["store-1"], files=(mount,))
    secret = Secret(name="word", file=file, recipe=SecretRecipe(password=32))
    return replace(found, services={**found.services, "store-1": reader}, secrets={"word": secret})


def test_no_plan_contains_the_value_of_a_secret(cluster: FakeCluster, tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("correct-horse")
    wanted = with_password(file)
    plan = ask(cluster, wanted=wanted)
    assert "correct-horse" not in repr(plan)
    assert "Y29ycmVjdC1ob3JzZQ" not in repr(plan)
    assert cluster.objects["Secret", "store-1"]["data"] == {"word": "Y29ycmVjdC1ob3JzZQ=="}


def test_a_changed_secret_replaces_the_pods_that_read_it_once(cluster: FakeCluster, tmp_path: Path) -> None:
    file = tmp_path / "word"
    file.write_text("one")
    wanted = with_password(file)
    ask(cluster, wanted=wanted)
    file.write_text("two")
    assert ask(cluster, wanted=wanted).started == ("store-1",)


def test_the_container_view_has_full_names(cluster: FakeCluster) -> None:
    found = runtime(cluster).addresses(View.CONTAINER)["store-primary", 8080]
    assert str(found) == "store-primary.ns.svc.cluster.local:8080"


def test_a_cluster_that_has_the_host_ports_holds_them_before_anything_runs(cluster: FakeCluster) -> None:
    access = ClusterAccess(connect=lambda: cluster, namespace="ns", holds_ports=True)
    own = KubernetesRuntime("shop", owner_path=OWNER, stack=stack(), cluster=access)
    assert own.observe().holding_ports == {"store-0"}
    absent = KubernetesRuntime("shop", owner_path=OWNER, stack=stack(), cluster=replace(access, exists=lambda: False))
    assert absent.observe().holding_ports == frozenset()


def test_the_controller_of_a_group_ends_no_pod_by_itself(cluster: FakeCluster) -> None:
    """Applying ends outdated pods: a second hand would end those that were just made."""
    ask(cluster)
    assert cluster.objects["StatefulSet", "db"]["spec"]["updateStrategy"] == {"type": "OnDelete"}
