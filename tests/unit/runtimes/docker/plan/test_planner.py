"""Each thing that can be wrong with what runs, and the plan that a person would read for it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch, NotFound
from nexusdev.plan import Plan
from nexusdev.runtimes.docker.plan.lifecycle import plan_restart, plan_start, plan_stop
from nexusdev.runtimes.docker.plan.planner import plan
from nexusdev.runtimes.docker.plan.snapshot import Snapshot
from nexusdev.runtimes.docker.plan.steps import Action, docker_step
from nexusdev.runtimes.docker.plan.teardown import plan_discard, plan_down
from nexusdev.runtimes.memory.runtime import FakeEngine, MemoryRuntime
from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import Stack

OWNER = "/home/dev/shop"


@dataclass(kw_only=True)
class Shop:
    """An instance in memory, with the stack that it shall have."""

    stack: Stack
    world: FakeEngine = field(default_factory=FakeEngine)
    owner: str = OWNER

    @property
    def runtime(self) -> MemoryRuntime:
        return MemoryRuntime(
            project="shop", instance="shop", owner_path=self.owner, stack=self.stack, engine=self.world
        )

    def observe(self) -> Snapshot:
        return self.runtime.observe().snapshot

    def plan(self, only: Collection[str] | None = None, unwanted: Mapping[str, str] | None = None) -> Plan:
        prints = fingerprints(self.stack)
        return plan(
            self.stack, self.observe(), fingerprints=prints, owner_path=self.owner, only=only, unwanted=unwanted
        )

    def walk(self, towards: Plan, steps: int | None = None) -> None:
        for step in towards.steps[:steps]:
            self.runtime.apply(step)

    def up(self) -> None:
        self.walk(self.plan())

    def change(self, service: str, **values: object) -> None:
        changed = replace(self.stack.services[service], **values)
        self.stack = replace(self.stack, services={**self.stack.services, service: changed})


@pytest.fixture
def shop(stack: Stack) -> Shop:
    return Shop(stack=stack)


@pytest.fixture
def running(shop: Shop) -> Shop:
    shop.up()
    return shop


def test_a_first_up_creates_and_starts_each_service(shop: Shop) -> None:
    assert str(shop.plan()).splitlines() == [
        "create network nexus: it does not exist",
        "create volume db-0: it does not exist",
        "create volume db-1: it does not exist",
        "create db-0: it does not exist",
        "start db-0: it does not exist",
        "create exporter-0: it does not exist",
        "start exporter-0: it does not exist",
        "create db-1: it does not exist",
        "start db-1: it does not exist",
        "create cache: it does not exist",
        "start cache: it does not exist",
    ]


def test_a_running_stack_has_an_empty_plan(running: Shop) -> None:
    assert str(running.plan()) == "nothing to do"
    assert not running.plan()


ANEW = "its definition, image, configuration or a secret changed"
SHARED = "it shares the network of db-0, which is recreated"

BAD_DAYS: Mapping[str, tuple[Callable[[Shop], object], list[str]]] = {
    "a stopped service is started and its neighbours are left alone": (
        lambda shop: shop.world.end("shop-db-1-1"),
        ["start db-1: it is stopped"],
    ),
    "a killed service tells its exit code": (
        lambda shop: shop.world.kill("shop-db-1-1"),
        ["start db-1: it exited with code 137"],
    ),
    "a paused service is unpaused": (
        lambda shop: shop.world.pause("shop-cache-1"),
        ["unpause cache: it is paused"],
    ),
    "a service in a restart loop is started afresh": (
        lambda shop: shop.world.loop("shop-cache-1"),
        [
            "stop cache: it keeps exiting, and the engine waits before the next restart",
            "start cache: it keeps exiting, and the engine waits before the next restart",
        ],
    ),
    "a dead container is replaced": (
        lambda shop: shop.world.die("shop-cache-1"),
        [f"{act} cache: the engine reports it as dead" for act in ("remove", "create", "start")],
    ),
    "a stopped owner is started and its running sidecar after it": (
        lambda shop: shop.world.end("shop-db-0-1"),
        [
            "start db-0: it is stopped",
            "stop exporter-0: it shares the network of db-0, which is being started",
            "start exporter-0: it shares the network of db-0, which is being started",
        ],
    ),
    "a sidecar that was left behind by its owner's restart is restarted": (
        lambda shop: shop.world.restart("shop-db-0-1"),
        [f"{act} exporter-0: db-0, whose network it shares, was started after it" for act in ("stop", "start")],
    ),
    "a changed service is replaced with what shares its network, and nothing else": (
        lambda shop: shop.change("db-0", environment={"COLOUR": "blue"}),
        [
            f"remove exporter-0: {SHARED}",
            f"remove db-0: {ANEW}",
            f"create db-0: {ANEW}",
            f"start db-0: {ANEW}",
            f"create exporter-0: {SHARED}",
            f"start exporter-0: {SHARED}",
        ],
    ),
    "a changed sidecar leaves its owner alone": (
        lambda shop: shop.change("exporter-0", image="exporter:2"),
        [f"{act} exporter-0: {ANEW}" for act in ("remove", "create", "start")],
    ),
    "a container removed by hand is made again": (
        lambda shop: shop.world.remove("shop-cache-1"),
        ["create cache: it does not exist", "start cache: it does not exist"],
    ),
    "an owner removed by hand takes its sidecar along": (
        lambda shop: shop.world.remove("shop-db-0-1"),
        [
            f"remove exporter-0: {SHARED}",
            "create db-0: it does not exist",
            "start db-0: it does not exist",
            f"create exporter-0: {SHARED}",
            f"start exporter-0: {SHARED}",
        ],
    ),
    "a container renamed by hand is replaced": (
        lambda shop: shop.world.rename("shop-cache-1", "mine"),
        [
            "remove mine: it is labeled as cache but has another name",
            "create cache: its container was renamed to mine",
            "start cache: its container was renamed to mine",
        ],
    ),
    "a container cut off from the network is replaced": (
        lambda shop: shop.world.disconnect("shop-cache-1"),
        [f"{act} cache: it is not attached to the network nexus" for act in ("remove", "create", "start")],
    ),
    "a volume that is gone makes its service anew": (
        lambda shop: shop.world.volumes.pop("shop_db-1"),
        [
            "remove db-1: its volume db-1 is missing",
            "create volume db-1: it does not exist",
            "create db-1: its volume db-1 is missing",
            "start db-1: its volume db-1 is missing",
        ],
    ),
}


@pytest.mark.parametrize("day", BAD_DAYS)
def test_each_failure_has_its_repair_plan(running: Shop, day: str) -> None:
    happens, expected = BAD_DAYS[day]
    happens(running)
    assert str(running.plan()).splitlines() == expected
    running.up()
    assert {str(c.state) for c in running.observe().containers.values()} == {"running"}
    assert str(running.plan()) == "nothing to do"


def test_a_service_removed_from_the_stack_is_removed(running: Shop) -> None:
    running.stack = replace(running.stack, services={n: s for n, s in running.stack.services.items() if n != "cache"})
    assert "remove cache: it is no longer in the stack" in str(running.plan()).splitlines()
    running.up()
    assert list(running.observe().containers) == ["db-0", "db-1", "exporter-0"]


def test_stopped_services_are_started_in_dependency_order(running: Shop) -> None:
    running.walk(plan_stop(running.observe()))
    assert [step.resource for step in running.plan().steps] == ["db-0", "exporter-0", "db-1", "cache"]
    running.up()
    assert str(running.plan()) == "nothing to do"


def test_a_changed_subnet_recreates_the_network_and_its_services(running: Shop) -> None:
    running.stack = replace(running.stack, network=replace(running.stack.network, subnet="10.0.1.0/24"))
    lines = str(running.plan()).splitlines()
    assert lines[:6] == [
        "remove exporter-0: it shares the network of db-0, which is recreated",
        "remove db-0: the network nexus is recreated",
        "remove db-1: the network nexus is recreated",
        "remove cache: the network nexus is recreated",
        "remove network nexus: its subnet is 10.0.0.0/24, not 10.0.1.0/24",
        "create network nexus: its subnet is 10.0.0.0/24, not 10.0.1.0/24",
    ]
    running.up()
    assert str(running.plan()) == "nothing to do"


def test_a_changed_dynamic_range_recreates_the_network_unless_others_use_it(running: Shop) -> None:
    running.stack = replace(running.stack, network=replace(running.stack.network, ip_range="10.0.0.128/25"))
    reason = "its range of dynamic addresses is 10.0.0.0/24, not 10.0.0.128/25"
    assert f"create network nexus: {reason}" in str(running.plan())
    seen = running.observe()
    assert seen.network is not None
    used = replace(seen, network=replace(seen.network, strangers=("app",)))
    assert not plan(running.stack, used, fingerprints=fingerprints(running.stack), owner_path=OWNER)
    running.up()
    assert str(running.plan()) == "nothing to do"


def test_a_changed_subnet_also_affects_unselected_services(running: Shop) -> None:
    running.stack = replace(running.stack, network=replace(running.stack.network, subnet="10.0.1.0/24"))
    assert {step.resource for step in running.plan(only=["cache"]).steps} >= {"db-0", "db-1", "exporter-0", "cache"}


def test_selecting_a_component_adds_only_its_dependencies(shop: Shop) -> None:
    assert [str(step).partition(":")[0] for step in shop.plan(only=["cache"]).steps] == [
        "create network nexus",
        "create volume db-1",
        "create db-1",
        "start db-1",
        "create cache",
        "start cache",
    ]


def test_selecting_a_component_ignores_problems_of_others(running: Shop) -> None:
    running.world.kill("shop-db-0-1")
    assert str(running.plan(only=["cache"])) == "nothing to do"


def test_a_foreign_container_with_our_name_is_reported_with_its_image(shop: Shop) -> None:
    shop.world.add_stranger("shop-cache-1", image="redis:7")
    with pytest.raises(IdentityMismatch, match="the container name for cache is in use: shop-cache-1") as refused:
        shop.plan()
    assert "redis:7" in refused.value.why
    assert "docker rm shop-cache-1" in refused.value.hint
    assert refused.value.exit_status == 9


def test_a_foreign_container_is_ignored_unless_its_name_is_needed(shop: Shop) -> None:
    shop.world.add_stranger("shop-cache-1")
    assert "cache" not in str(shop.plan(only=["db"]))


@pytest.mark.parametrize("left", ["containers", "volumes", "network"])
def test_resources_of_another_folder_are_not_taken_over(running: Shop, left: str) -> None:
    if left != "containers":
        running.walk(plan_down(running.observe(), volumes=False))
        running.runtime.apply(next(step for step in running.plan().steps if step.action is Action.CREATE_NETWORK))
    if left == "volumes":
        running.world.networks.clear()
    if left == "network":
        running.world.volumes.clear()
    running.owner = "/home/dev/other"
    with pytest.raises(IdentityMismatch, match="this instance belongs to /home/dev/shop"):
        running.plan()


def test_resources_of_a_moved_owner_are_still_owned(running: Shop) -> None:
    planned = plan(
        running.stack,
        running.observe(),
        fingerprints=fingerprints(running.stack),
        owner_path="/home/dev/store",
        former=("/home/dev/shop",),
    )
    assert not planned


def test_volumes_removed_from_the_stack_are_kept(running: Shop) -> None:
    running.change("db-1", volumes=())
    running.up()
    assert list(running.observe().volumes) == ["db-0", "db-1"]


def test_down_removes_sidecars_first_and_the_network_last_and_keeps_the_data(running: Shop) -> None:
    running.world.rename("shop-cache-1", "mine")
    towards = plan_down(running.observe(), volumes=False)
    assert str(towards).splitlines() == [
        "remove exporter-0: the instance is taken down",
        "remove db-0: the instance is taken down",
        "remove db-1: the instance is taken down",
        "remove mine: the instance is taken down",
        "remove network nexus: the instance is taken down",
    ]
    assert [step.resource for step in towards.waits_for(towards.steps[1])] == ["exporter-0"]
    assert [step.resource for step in towards.waits_for(towards.steps[2])] == []
    assert len(towards.waits_for(towards.steps[4])) == 4


def test_destroy_removes_volumes_and_down_of_an_empty_instance_is_a_no_op(running: Shop) -> None:
    assert str(plan_down(running.observe(), volumes=True)).splitlines()[-2:] == [
        "remove volume db-0: the instance is destroyed",
        "remove volume db-1: the instance is destroyed",
    ]
    running.walk(plan_down(running.observe(), volumes=True))
    assert str(plan_down(running.observe(), volumes=True)) == "nothing to do"


def test_stop_start_and_restart_include_the_sidecar(running: Shop) -> None:
    def told(towards: Plan) -> list[str]:
        return [f"{step.action} {step.resource}" for step in towards.steps]

    assert told(plan_restart(running.observe(), ["db-0"])) == [
        "stop exporter-0",
        "stop db-0",
        "start db-0",
        "start exporter-0",
    ]
    assert told(plan_stop(running.observe(), ["db-0"])) == ["stop exporter-0", "stop db-0"]
    running.walk(plan_stop(running.observe(), ["db-0"]))
    assert told(plan_start(running.observe(), ["exporter-0"])) == ["start db-0", "start exporter-0"]
    assert told(plan_start(running.observe())) == ["start db-0", "start exporter-0"]
    assert told(plan_stop(running.observe(), ["db-0"])) == []


def test_a_store_stops_after_its_dependents_and_starts_before_them(stack: Stack) -> None:
    store = replace(stack.services["db-0"], name="etcd", role="store", address="10.0.0.30", ports=(), volumes=())
    shop = Shop(stack=replace(stack, services={"etcd": store, **stack.services}))
    shop.up()
    there = shop.observe()
    for towards in (plan_down(there, volumes=False), plan_stop(there)):
        subjects = [step.resource for step in towards.steps]
        assert {"db-0", "db-1"} <= set(subjects[: subjects.index("etcd")])
        (last,) = [step for step in towards.steps if step.resource == "etcd"]
        assert {"db-0", "db-1"} <= {step.resource for step in towards.waits_for(last)}
        assert "cache" not in {step.resource for step in towards.waits_for(last)}
    again = plan_restart(there)
    (start,) = [step for step in again.steps if (step.action, step.resource) == (Action.START, "db-1")]
    assert [f"{step.action} {step.resource}" for step in again.waits_for(start)] == [
        "stop db-1",
        "stop etcd",
        "start etcd",
    ]


def test_a_store_is_killed_only_when_the_whole_instance_is_removed(stack: Stack) -> None:
    store = replace(stack.services["db-0"], name="etcd", role="store", address="10.0.0.30", ports=(), volumes=())
    shop = Shop(stack=replace(stack, services={"etcd": store, **stack.services}))
    shop.up()
    assert [step.resource for step in plan_down(shop.observe(), volumes=False).steps if docker_step(step).kill] == [
        "etcd"
    ]
    shop.change("etcd", environment={"CHANGED": "1"})
    removed = [step for step in shop.plan().steps if step.action is Action.REMOVE and step.resource == "etcd"]
    assert [docker_step(step).kill for step in removed] == [False]


def test_an_unknown_service_suggests_the_nearest(running: Shop) -> None:
    with pytest.raises(NotFound, match="cahce has no container") as refused:
        plan_stop(running.observe(), ["cahce"])
    assert refused.value.hint == "did you mean cache?"


def test_no_step_waits_unnecessarily(shop: Shop) -> None:
    towards = shop.plan()
    waits = {str(step).partition(":")[0]: {each.resource for each in towards.waits_for(step)} for step in towards.steps}
    assert waits["create db-1"] == {"nexus", "db-1"}
    assert waits["start db-1"] == {"db-1"}
    assert waits["create exporter-0"] == {"db-0"}
    assert waits["start exporter-0"] == {"db-0", "exporter-0"}
    assert waits["start cache"] == {"cache", "db-1"}


def mischief(shop: Shop, dice: random.Random) -> None:
    """One bad deed, whatever fits to what is there."""
    world = shop.world
    names = [container.name for container in world.containers.values() if container.instance]
    name = dice.choice(names) if names else ""
    deeds: list[Callable[[], object]] = [
        world.networks.clear,
        world.volumes.clear,
        lambda: shop.change(dice.choice(list(shop.stack.services)), image=f"image:{dice.random()}"),
    ]
    if name:
        deeds += [
            lambda: world.kill(name),
            lambda: world.pause(name),
            lambda: world.remove(name),
            lambda: world.disconnect(name),
            lambda: world.rename(name, f"mine-{dice.random()}"),
            lambda: world.restart(name),
            lambda: world.die(name),
            lambda: world.loop(name),
        ]
    dice.choice(deeds)()


@pytest.mark.parametrize("seed", range(60))
def test_an_interrupted_plan_reaches_the_same_end_when_planned_again(stack: Stack, seed: int) -> None:
    dice = random.Random(seed)
    shop = Shop(stack=stack)
    for _ in range(8):
        towards = shop.plan() if dice.random() < 0.8 else plan_down(shop.observe(), volumes=dice.random() < 0.5)
        shop.walk(towards, dice.randrange(len(towards.steps) + 1))
        mischief(shop, dice)
    shop.up()
    seen = shop.observe()
    assert {name: str(container.state) for name, container in seen.containers.items()} == dict.fromkeys(
        stack.services, "running"
    )
    assert {name: container.fingerprint for name, container in seen.containers.items()} == dict(
        fingerprints(shop.stack)
    )
    assert not seen.orphans
    assert str(shop.plan()) == "nothing to do"


@pytest.mark.parametrize("seed", range(30))
def test_any_valid_order_of_steps_reaches_the_same_end(stack: Stack, seed: int) -> None:
    dice = random.Random(seed)
    shop = Shop(stack=stack)
    if seed % 2:
        shop.up()
        mischief(shop, dice)
        mischief(shop, dice)
    towards = shop.plan()
    done: list[int] = []
    while len(done) < len(towards.steps):
        able = [
            index
            for index, step in enumerate(towards.steps)
            if index not in done and all(towards.steps.index(each) in done for each in towards.waits_for(step))
        ]
        index = dice.choice(able)
        shop.runtime.apply(towards.steps[index])
        done.append(index)
    assert {str(container.state) for container in shop.observe().containers.values()} == {"running"}
    assert str(shop.plan()) == "nothing to do"


def test_unwanted_services_are_removed_and_their_data_kept(running: Shop) -> None:
    towards = running.plan(only=["db"], unwanted={"cache": "profile bare is without cache"})
    assert str(towards) == "remove cache: profile bare is without cache"
    running.walk(towards)
    assert set(running.observe().volumes) == {"db-0", "db-1"}


def test_unwanted_services_are_not_recreated_with_the_network(running: Shop) -> None:
    running.stack = replace(running.stack, network=replace(running.stack.network, subnet="10.0.1.0/24"))
    towards = running.plan(only=["db"], unwanted={"cache": "profile bare is without cache"})
    assert "remove cache: profile bare is without cache" in str(towards)
    assert "create cache" not in str(towards)


def test_discarding_a_service_removes_its_data_container_and_sidecars(running: Shop) -> None:
    plan = plan_discard(running.observe(), {"db-0": ["db-0"]})
    assert str(plan) == (
        "remove exporter-0: its data is destroyed\n"
        "remove db-0: its data is destroyed\n"
        "remove volume db-0: its data is destroyed"
    )
    running.walk(plan)
    assert not plan_discard(running.observe(), {"db-0": ["db-0"]})
    assert set(running.observe().volumes) == {"db-1"}
