"""The steps of a cluster around the steps in it."""

from __future__ import annotations

import pytest

from nexusdev.plan import Down, Intent, Plan, Start, Step, Stop
from nexusdev.runtimes.kind.node import NodePhase
from nexusdev.runtimes.kind.steps import with_cluster

INSIDE = Plan(steps=(Step(action="apply", resource="redis", reason="a test"),))
NOTHING = Plan()


@pytest.mark.parametrize(
    ("plan", "intent", "phase", "actions"),
    [
        (INSIDE, Start(), "running", ["apply"]),
        (INSIDE, Start(), "stopped", ["start cluster", "apply"]),
        (INSIDE, Start(), "absent", ["create cluster", "apply"]),
        (NOTHING, Start(), "stopped", []),
        (INSIDE, Stop(), "running", ["apply", "stop cluster"]),
        (INSIDE, Stop(services=["redis"]), "running", ["apply"]),
        (NOTHING, Stop(), "stopped", []),
        (INSIDE, Down(volumes=False), "running", ["apply", "stop cluster"]),
        (INSIDE, Down(volumes=False), "stopped", ["start cluster", "apply", "stop cluster"]),
        (NOTHING, Down(volumes=False), "stopped", []),
        (INSIDE, Down(volumes=True), "running", ["delete cluster"]),
        (INSIDE, Down(volumes=True), "stopped", ["delete cluster"]),
        (NOTHING, Down(volumes=True), "running", ["delete cluster"]),
        (NOTHING, Down(volumes=True), "absent", []),
    ],
)
def test_a_cluster_lives_as_long_as_its_instance(
    plan: Plan, intent: Intent, phase: NodePhase, actions: list[str]
) -> None:
    assert [step.action for step in with_cluster(plan, intent, phase, "nexusdev-shop").steps] == actions


def test_the_steps_inside_wait_for_the_cluster_and_its_end_for_them() -> None:
    started = with_cluster(INSIDE, Start(), "stopped", "nexusdev-shop")
    assert [each.action for each in started.waits_for(started.steps[1])] == ["start cluster"]
    ended = with_cluster(INSIDE, Stop(), "running", "nexusdev-shop")
    assert [each.action for each in ended.waits_for(ended.steps[1])] == ["apply"]


def test_what_goes_with_a_deleted_cluster_is_told() -> None:
    inside = Plan(
        steps=(
            Step(action="delete", resource="redis", reason="a test", removes="containers"),
            Step(action="delete volume", resource="redis-data", reason="a test", removes="volumes"),
            Step(action="delete namespace", resource="namespace", reason="a test"),
        )
    )
    plan = with_cluster(inside, Down(volumes=True), "stopped", "nexusdev-shop")
    assert [(str(each), each.removes) for each in plan.steps] == [
        ("delete cluster nexusdev-shop: its data goes with it", ""),
        ("delete redis: it goes with the cluster", "containers"),
        ("delete redis-data: it goes with the cluster", "volumes"),
    ]


def test_what_is_left_without_a_node_is_deleted() -> None:
    plan = with_cluster(NOTHING, Down(volumes=True), "absent", "nexusdev-shop", rest=True)
    assert [each.action for each in plan.steps] == ["delete cluster"]
