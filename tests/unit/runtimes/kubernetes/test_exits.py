"""Which changes of pods are exits of services."""

from __future__ import annotations

import threading
from typing import Any

from msgspec.structs import replace

from nexusdev.interfaces import ServiceExit
from nexusdev.runtimes.kubernetes.exits import PodExits
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.pod_services import ContainerServices
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Workload
from nexusdev.runtimes.kubernetes.watch import PodEvent
from nexusdev.stack.model import Stack
from tests.contract.bench import small_stack
from tests.unit.runtimes.kubernetes.fake_cluster import FakeCluster

LABELS = {
    "app.kubernetes.io/name": "db",
    "app.kubernetes.io/instance": "nexusdev-shop",
    "app.kubernetes.io/managed-by": "nexusdev",
}
RUNNING = {"running": {"startedAt": "2026-01-01T00:00:00Z"}}


def ended(code: int, container: str = "one") -> dict[str, Any]:
    return {"exitCode": code, "containerID": container, "finishedAt": "2026-01-01T00:00:09Z"}


def pod(state: dict[str, Any], *, last: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    status = {"name": "db", "containerID": "one", "state": state, "lastState": {"terminated": last} if last else {}}
    return {
        "kind": "Pod",
        "metadata": {"name": "db-1", "uid": "u", "labels": LABELS, **metadata},
        "spec": {},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def exits(stack: Stack | None = None) -> PodExits:
    """Exits of a group with three members. Nobody listens to a cluster."""
    container = ContainerServices(
        container="db", component="db", role="server", members=("db-0", "db-1", "db-2"), ports=((), (), ())
    )
    workload = Workload(name="db", kind="StatefulSet", replicas=3, containers=(container,), template="")
    stop = threading.Event()
    stop.set()
    names = InstanceNames(instance="shop", namespace="ns", owner_path="/home/dev/shop", stack=stack)
    return PodExits(FakeCluster(), names, ClusterSnapshot(workloads={"db": workload}), stop)


def heard(found: PodExits, *events: PodEvent) -> list[ServiceExit]:
    return [each for event in events for each in found.heard(event)]


def modified(manifest: dict[str, Any]) -> PodEvent:
    return PodEvent(kind="MODIFIED", pod=manifest)


def test_a_container_that_ended_is_an_exit_of_its_service() -> None:
    [found] = heard(exits(), modified(pod(RUNNING)), modified(pod({"terminated": ended(7)})))
    assert (found.service, found.exit_code, found.asked) == ("db-1", 7, False)


def test_an_exit_is_told_once_although_the_restarted_container_reports_it_too() -> None:
    again = pod(RUNNING, last=ended(7))
    assert len(heard(exits(), modified(pod({"terminated": ended(7)})), modified(again), modified(again))) == 1


def test_the_end_of_a_deleted_pod_was_asked_for() -> None:
    going: dict[str, Any] = {"deletionTimestamp": "2026-01-01T00:00:08Z", "deletionGracePeriodSeconds": 10}
    [found] = heard(
        exits(),
        modified(pod(RUNNING)),
        modified(pod(RUNNING, **going)),
        modified(pod({"terminated": ended(0)}, **going)),
    )
    assert found.asked


def test_a_pod_that_is_gone_without_a_grace_period_was_killed() -> None:
    [found] = heard(exits(), modified(pod(RUNNING)), PodEvent(kind="DELETED", pod=pod(RUNNING)))
    assert (found.exit_code, found.asked) == (137, False)


HELD = {"labels": {**LABELS, "nexus.dev/held": "db"}}


def test_the_end_of_a_pod_that_was_stopped_alone_was_asked_for() -> None:
    [found] = heard(exits(), modified(pod(RUNNING, **HELD)), modified(pod({"terminated": ended(0)}, **HELD)))
    assert found.asked


def test_nobody_asked_for_the_end_of_a_server_that_was_killed_and_whose_pod_is_held() -> None:
    killed: dict[str, Any] = {**HELD, "annotations": {"nexus.dev/killed": "true"}}
    [found] = heard(exits(), modified(pod(RUNNING, **killed)), modified(pod({"terminated": ended(137)}, **killed)))
    assert (found.exit_code, found.asked) == (137, False)


def test_an_exit_while_a_needed_service_does_not_run_belongs_to_the_start() -> None:
    small = small_stack("nexusdev-shop", image="tiny:1", port=21001)
    waiting = replace(small.services["store-1"], name="db-1", depends_on=("store-0",))
    stack = replace(small, services={**small.services, "db-1": waiting})
    assert heard(exits(stack), modified(pod({"terminated": ended(1)}))) == []
