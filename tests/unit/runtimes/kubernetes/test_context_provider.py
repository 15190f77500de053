"""The runtime of a context: its plans, what it pins, what it refuses. ``tests/integration/kind`` has the real cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch, PortInUse, PreflightFailed
from nexusdev.interfaces import Runtime, View
from nexusdev.plan import Down, Intent, Plan, Start, Stop, Up
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.kubernetes.context_provider import ContextProvider
from nexusdev.runtimes.kubernetes.forward.files import CONNECTED, CONNECTING, FAILED, ForwardConfig, ForwardStatus
from nexusdev.runtimes.kubernetes.home import recorded
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.options import RuntimeOptions
from nexusdev.stack.fingerprint import fingerprints
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster
from tests.unit.runtimes.kubernetes.test_runtime import OWNER, stack

REGISTRY = "registry:5000/team"


class FakeForward:
    """A forward without a process. ``answer``: how it is after a start."""

    def __init__(self) -> None:
        self.now: ForwardStatus | None = None
        self.known: ForwardConfig | None = None
        self.answer = ForwardStatus(phase=CONNECTED, route="the API server")

    def status(self) -> ForwardStatus | None:
        return self.now

    def config(self) -> ForwardConfig | None:
        return self.known

    def start(self, config: ForwardConfig) -> ForwardStatus:
        self.known, self.now = config, self.answer
        return self.answer

    def stop(self) -> None:
        self.now = self.known = None


class StorageClasses(FakeCluster):
    """A cluster with storage classes, of which none is the default."""

    def get_cluster_wide(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "storageclasses"
        return [{"metadata": {"name": "fast"}}]


@dataclass(kw_only=True)
class World:
    """A cluster, a forward and an image store, and the state folder of this machine."""

    folder: Path
    cluster: FakeCluster = field(default_factory=FakeCluster)
    forward: FakeForward = field(default_factory=FakeForward)
    store: MemoryImages = field(
        default_factory=lambda: MemoryImages(images={"i": StoredImage(id="i", tags=("tiny:1",))})
    )

    @property
    def state(self) -> Path:
        return self.folder / "instances" / "shop"

    def provider(self, **changes: str) -> ContextProvider:
        """The provider with these options."""
        chosen = RuntimeOptions(context="team", place="ns", folder=str(self.state))._replace(**changes)
        return ContextProvider(
            chosen, kubectl=lambda _: self.cluster, store=lambda: self.store, forward=lambda _: self.forward
        )

    def runtime(self, **changes: str) -> Runtime:
        """The runtime of the instance with these options."""
        return self.provider(**changes).runtime("shop", owner=Path(OWNER), state_path=str(self.state), stack=stack())


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(folder=tmp_path)


def up() -> Up:
    wanted = stack()
    return Up(stack=wanted, fingerprints=fingerprints(wanted))


def ask(runtime: Runtime, intent: Intent) -> Plan:
    plan = runtime.plan(intent)
    for step in plan.steps:
        runtime.apply(step)
    return plan


def words(plan: Plan) -> list[str]:
    return [f"{step.action} {step.resource}" for step in plan.steps]


def test_up_connects_after_the_gateway_and_a_second_one_changes_nothing(world: World) -> None:
    own = world.runtime()
    first = ask(own, up())
    assert words(first)[-1] == "connect forward"
    assert first.steps[-1].after == ("gateway-dev",)
    assert world.forward.known is not None
    assert world.forward.known.ports == {21001: 30001}
    assert words(own.plan(up())) == []
    home = recorded(world.state)
    assert home is not None
    assert (home.context, home.namespace) == ("team", "ns")


def test_a_forward_that_ended_is_told_and_started_again(world: World) -> None:
    own = world.runtime()
    ask(own, up())
    assert own.observe().problems == ()
    assert own.observe().holding_ports
    world.forward.now = ForwardStatus(phase=CONNECTING, problem="no route")
    [problem] = own.observe().problems
    assert "not connected: no route" in problem.evidence
    world.forward.now = None
    [problem] = own.observe().problems
    assert "nothing forwards the ports" in problem.evidence
    assert own.observe().holding_ports == frozenset()
    for intent in (up(), Start()):
        assert words(own.plan(intent)) == ["connect forward"]


@pytest.mark.parametrize("intent", [Stop(), Down(volumes=False), Down(volumes=True)])
def test_what_ends_the_pods_ends_the_forward(world: World, intent: Intent) -> None:
    own = world.runtime()
    ask(own, up())
    assert "disconnect forward" in words(ask(own, intent))
    assert world.forward.now is None


def test_a_host_port_of_another_process_is_named(world: World) -> None:
    world.forward.answer = ForwardStatus(phase=FAILED, taken=21001)
    own = world.runtime()
    with pytest.raises(PortInUse, match="port 21001, which"):
        ask(own, up())


def test_pods_name_their_images_by_the_digest_in_the_registry(world: World) -> None:
    chosen = world.provider(registry=REGISTRY, pull_secret="pull")
    own = world.runtime(registry=REGISTRY, pull_secret="pull")
    plan = own.plan(up())
    assert {image for step in plan.steps for image in step.images} == {"tiny:1"}
    chosen.deliver("tiny:1")
    chosen.deliver("tiny:1")
    assert world.store.pushed == [f"{REGISTRY}/tiny:1"]
    ask(own, up())
    pod = spec_of(world.cluster, "StatefulSet", "db")
    digest = world.store.published[f"{REGISTRY}/tiny:1"]
    assert pod["containers"][0]["image"] == f"{REGISTRY}/tiny:1@{digest}"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert words(own.plan(up())) == []


def spec_of(cluster: FakeCluster, kind: str, name: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cluster.objects[kind, name]["spec"]["template"]["spec"]
    return found


@pytest.mark.parametrize(
    ("reach", "kind", "open_to_all"),
    [("forward", "ClusterIP", False), ("node-port", "NodePort", True), ("load-balancer", "LoadBalancer", True)],
)
def test_only_what_is_asked_for_is_open_outside_of_the_cluster(
    world: World, reach: str, kind: str, open_to_all: bool
) -> None:
    ask(world.runtime(reach=reach), up())
    assert world.cluster.objects["Service", "gateway-dev"]["spec"]["type"] == kind
    assert ("ingress" in world.cluster.objects["NetworkPolicy", "gateway-dev"]["spec"]) == open_to_all


def test_volumes_have_the_class_and_the_size_of_the_settings(world: World) -> None:
    ask(world.runtime(storage_class="fast", storage_size="3Gi"), up())
    claims = [each["spec"] for (kind, _), each in world.cluster.objects.items() if kind == "PersistentVolumeClaim"]
    assert claims
    assert {each["storageClassName"] for each in claims} == {"fast"}
    assert {each["resources"]["requests"]["storage"] for each in claims} == {"3Gi"}


def test_a_namespace_that_exists_is_used_and_stays(world: World) -> None:
    world.cluster.objects["Namespace", "ns"] = {"kind": "Namespace", "metadata": {"name": "ns"}}
    own = world.runtime()
    assert "create namespace namespace" not in words(ask(own, up()))
    assert "delete namespace namespace" not in words(ask(own, Down(volumes=True)))
    assert list(world.cluster.objects) == [("Namespace", "ns")]


def test_a_namespace_that_exists_by_chance_is_refused(world: World) -> None:
    name = "nexusdev-shop"
    world.cluster.objects["Namespace", name] = {"kind": "Namespace", "metadata": {"name": name}}
    own = world.runtime(place="")
    with pytest.raises(IdentityMismatch) as raised:
        own.plan(up())
    assert raised.value.code == "FOREIGN_NAMESPACE"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("StatefulSet", "db"), ("Service", "db-pods"), ("Secret", "db"), ("NetworkPolicy", "default-deny")],
)
def test_an_object_of_somebody_else_is_neither_overwritten_nor_deleted(world: World, kind: str, name: str) -> None:
    foreign = {"kind": kind, "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "Helm"}}, "spec": {}}
    foreign["spec"] = {"template": {"metadata": {}}} if kind == "StatefulSet" else {}
    world.cluster.objects[kind, name] = foreign
    own = world.runtime()
    if kind == "Secret":
        assert own.plan(up())  # this stack has no Secret of that name
    else:
        with pytest.raises(IdentityMismatch, match=f"{kind} {name} of namespace ns belongs to somebody else") as raised:
            own.plan(up())
        assert raised.value.code == "FOREIGN_OBJECT"
    assert words(own.plan(Down(volumes=True))) == []


def test_a_namespace_with_things_of_others_is_not_deleted(world: World) -> None:
    own = world.runtime()
    ask(own, up())
    world.cluster.objects["ConfigMap", "theirs"] = {"kind": "ConfigMap", "metadata": {"name": "theirs"}}
    assert "delete namespace namespace" not in words(own.plan(Down(volumes=True)))
    del world.cluster.objects["ConfigMap", "theirs"]
    assert "delete namespace namespace" in words(own.plan(Down(volumes=True)))


@pytest.mark.parametrize(
    ("chosen", "why"), [("slow", "no storage class slow"), ("", "no storage class of the cluster")]
)
def test_a_storage_class_that_cannot_be_used_is_told_before_anything_is_applied(
    world: World, chosen: str, why: str
) -> None:
    world.cluster = StorageClasses()
    own = world.provider(storage_class=chosen)
    with pytest.raises(PreflightFailed, match=why) as raised:
        own._require_storage(own._access(""))
    assert raised.value.code == "STORAGE_CLASS"


def test_settings_of_this_command_do_not_concern_other_instances(world: World) -> None:
    own = world.provider()
    assert own._access("other").namespace == "nexusdev-other"
    assert own._access("shop").namespace == own._access("").namespace == "ns"


def test_the_inventory_has_the_instances_of_this_machine_alone(world: World) -> None:
    own = world.provider()
    ask(world.runtime(), up())
    found = own.inventory().instances
    assert list(found) == ["shop"]
    assert found["shop"].owners == (OWNER,)
    assert replace(own.inventory(), instances={}).port_holders == {}


def test_whole_names_of_production_are_those_of_the_namespace(world: World) -> None:
    known = stack()
    name = "store-whole.nexus-architect.svc.cluster.local"
    gateway = replace(known.services["store-1"], aliases=(name,), serves={name: (8080,)})
    wanted = replace(known, services={**known.services, "store-1": gateway})
    own = world.provider().runtime("shop", owner=Path(OWNER), state_path=str(world.state), stack=wanted)
    ask(own, Up(stack=wanted, fingerprints=fingerprints(wanted)))
    assert "store-whole" in world.cluster.names("Service")
    hosts = {address.host for address in own.addresses(View.CONTAINER).values()}
    assert not [host for host in hosts if "nexus-architect" in host]
