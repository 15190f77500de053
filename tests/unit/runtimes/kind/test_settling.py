"""When the pods of a node that was started again count as running."""

from __future__ import annotations

from typing import Any

import pytest

from nexusdev.runtimes.kind.settling import unsettled

STARTED = 1_767_225_600.5  # 2026-01-01T00:00:00.5Z
BEFORE, AFTER = "2025-12-31T23:59:59Z", "2026-01-01T00:00:00Z"


def pod(name: str, *, at: str = AFTER, ready: bool = True, namespace: str = "nexus-architect", **metadata: Any) -> Any:
    labels = metadata.pop("labels", {"app.kubernetes.io/managed-by": "nexusdev"})
    return {
        "metadata": {"name": name, "namespace": namespace, "labels": labels, **metadata},
        "spec": {"containers": [{"name": name}]},
        "status": {
            "phase": "Running",
            "containerStatuses": [{"ready": ready, "state": {"running": {"startedAt": at}}}],
        },
    }


def test_pods_that_were_started_after_the_node_and_are_ready_run() -> None:
    assert unsettled([pod("redis-0"), pod("coredns", namespace="kube-system", labels={})], STARTED) == ""


@pytest.mark.parametrize(
    "waiting",
    [
        pod("old", at=BEFORE),
        pod("starting", ready=False),
        pod("coredns", ready=False, namespace="kube-system", labels={}),
        {**pod("pending"), "status": {"phase": "Pending"}},
    ],
    ids=lambda each: each["metadata"]["name"],
)
def test_a_pod_that_does_not_run_yet_is_waited_for(waiting: Any) -> None:
    assert unsettled([pod("redis-0"), waiting], STARTED) == waiting["metadata"]["name"]


@pytest.mark.parametrize(
    "other",
    [
        pod("a user's", ready=False, namespace="shop", labels={}),
        pod("ending", ready=False, deletionTimestamp=AFTER),
        pod("held", ready=False, labels={"app.kubernetes.io/managed-by": "nexusdev", "nexus.dev/held": "redis"}),
        pod("one-off", ready=False, labels={"app.kubernetes.io/managed-by": "nexusdev", "nexus.dev/one-off": "true"}),
        {**pod("over", ready=False), "status": {"phase": "Succeeded"}},
    ],
    ids=lambda each: each["metadata"]["name"],
)
def test_pods_that_need_not_run_are_not_waited_for(other: Any) -> None:
    assert unsettled([other], STARTED) == ""
