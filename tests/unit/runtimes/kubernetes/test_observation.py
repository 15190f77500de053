"""What the state of a pod means for the service that runs in it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.plan import Phase
from nexusdev.runtimes.kubernetes.observation import observation_of, service_phase
from nexusdev.runtimes.kubernetes.pod_services import ContainerServices
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Ended, NamespaceState, Pod, PodContainer, Workload

CONTAINER = ContainerServices(
    container="db", component="db", role="server", members=("db-0", "db-1"), ports=((21001,), ())
)
WORKLOAD = Workload(name="db", kind="StatefulSet", replicas=2, containers=(CONTAINER,), template="t")
RUNS = PodContainer(name="db", id="one", started=5.0)
CRASHED = Ended(code=1, at=9.0, id="one")


def pod(container: PodContainer, **values: Any) -> Pod:
    found = Pod(name="db-0", group="db", phase="Running", containers={"db": container})
    return replace(found, **values)


@pytest.mark.parametrize(
    ("found", "phase"),
    [
        (None, Phase.PENDING),
        (pod(RUNS), Phase.RUNNING),
        (pod(RUNS, paused={"db": "one"}), Phase.SUSPENDED),
        (pod(RUNS, paused={"db": "another"}), Phase.RUNNING),  # it was restarted since
        (pod(PodContainer(name="db", waiting="ContainerCreating")), Phase.PENDING),
        (pod(PodContainer(name="db", waiting="ImagePullBackOff")), Phase.PENDING),
        (pod(PodContainer(name="db", waiting="CrashLoopBackOff", previous=CRASHED)), Phase.RESTARTING),
        (pod(PodContainer(name="db", ended=CRASHED)), Phase.RESTARTING),
        (pod(PodContainer(name="db", ended=replace(CRASHED, reason="StartError"))), Phase.PENDING),
        (pod(PodContainer(name="db", ended=replace(CRASHED, reason="StartError"), restarts=2)), Phase.RESTARTING),
        (pod(PodContainer(name="db", ended=CRASHED), phase="Failed"), Phase.FAILED),
        (pod(PodContainer(name="db", ended=CRASHED), held=True), Phase.FAILED),
        (pod(PodContainer(name="db", ended=replace(CRASHED, code=143)), held=True), Phase.STOPPED),
        (pod(RUNS, terminating=True), Phase.PENDING),
    ],
)
def test_a_service_has_the_phase_of_its_container(found: Pod | None, phase: Phase) -> None:
    assert service_phase(WORKLOAD, 0, "db", found)[0] is phase


def test_a_member_beyond_the_replicas_is_stopped() -> None:
    assert service_phase(replace(WORKLOAD, replicas=0), 0, "db", None)[0] is Phase.STOPPED


def test_a_service_with_a_host_port_holds_it() -> None:
    seen = ClusterSnapshot(workloads={"db": WORKLOAD}, pods=(pod(RUNS),))
    assert observation_of(seen, namespace="ns").holding_ports == {"db-0"}


def test_a_container_that_was_killed_for_memory_says_so() -> None:
    ended = replace(CRASHED, code=137, reason="OOMKilled")
    seen = ClusterSnapshot(workloads={"db": WORKLOAD}, pods=(pod(PodContainer(name="db", ended=ended)),))
    found = observation_of(seen, namespace="ns").services["db-0"].exit
    assert found is not None
    assert found.out_of_memory


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (ClusterSnapshot(namespace=NamespaceState(terminating=True)), "namespace ns is being deleted"),
        (ClusterSnapshot(workloads={"db": WORKLOAD}), "the network policy default-deny is missing"),
        (
            ClusterSnapshot(pods=(pod(RUNS, problem="0/1 nodes are available: insufficient memory"),)),
            "insufficient memory",
        ),
        (
            ClusterSnapshot(
                pods=(pod(PodContainer(name="db", waiting="CreateContainerConfigError", message="no secret")),)
            ),
            "CreateContainerConfigError: no secret",
        ),
        (ClusterSnapshot(pods=(pod(RUNS, phase="Failed", problem="Evicted: low on disk"),)), "Evicted: low on disk"),
    ],
)
def test_what_stands_in_the_way_is_told_in_the_words_of_the_cluster(seen: ClusterSnapshot, words: str) -> None:
    assert any(words in each.evidence for each in observation_of(seen, namespace="ns").problems)
