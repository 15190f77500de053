"""The life of a cluster, and its bad days: foreign, deleted by hand, stopped, a lost kubeconfig."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from nexusdev.errors import IdentityMismatch, Locked, PreflightFailed, RuntimeRefused
from nexusdev.runtimes.kind.cluster import KindCluster
from nexusdev.runtimes.kind.creation import is_unfinished, unfinished
from nexusdev.runtimes.kind.kind_cli import KindCli
from nexusdev.runtimes.kind.node import Node, full_name, loaded_ids
from nexusdev.runtimes.memory.images import MemoryImages
from tests.unit.runtimes.kind.fakes import FakeMachine

NODE = "nexusdev-shop-control-plane"


def cluster(
    machine: FakeMachine, folder: Path, *, kubectl: str = "kubectl", steady: float = 0, rest: list[str] | None = None
) -> KindCluster:
    """Return the cluster of the instance shop. ``rest``: what exists besides its container."""
    besides = [] if rest is None else rest
    return KindCluster(
        "nexusdev-shop",
        instance="shop",
        folder=folder / "kind",
        kind=lambda: KindCli(commands=machine, program="kind", network="nexusdev-shop"),
        node=Node(name=NODE, engine=machine, commands=machine),  # type: ignore[arg-type]
        kubectl=lambda: kubectl,
        rest=lambda: bool(besides),
        removed=besides.clear,
        steady=steady,
    )


def create(made: KindCluster) -> None:
    with made.made() as mark:
        made.create(b"{}", "node:1", mark)


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def machine() -> FakeMachine:
    made = FakeMachine()
    made.image_labels = {"dev.nexus.instance": "shop"}
    return made


def test_a_cluster_is_created_stopped_and_removed_without_a_trace(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    assert made.phase() == "absent"
    create(made)
    assert made.phase() == "running"
    assert made.kubeconfig.stat().st_mode & 0o777 == 0o600
    made.stop()
    assert made.phase() == "stopped"
    made.delete()
    assert (made.phase(), made.kubeconfig.exists(), machine.containers) == ("absent", False, {})


def test_a_started_cluster_is_waited_for_until_its_api_server_keeps_answering(
    machine: FakeMachine, tmp_path: Path
) -> None:
    calls, kubectl = tmp_path / "calls", tmp_path / "kubectl"
    # The third call is refused once more: the API server of before the stop has ended.
    kubectl.write_text(f"#!/bin/sh\necho >>{calls}\ncase $(wc -l <{calls}) in 1|3) exit 1 ;; esac\n")
    kubectl.chmod(0o755)
    made = cluster(machine, tmp_path, kubectl=str(kubectl), steady=0.8)
    create(made)
    made.stop()
    made.start()
    assert made.phase() == "running"
    assert len(calls.read_text().splitlines()) >= 5


def test_a_cluster_counts_as_stopped_until_its_api_server_answers(machine: FakeMachine, tmp_path: Path) -> None:
    asked, ready, kubectl = tmp_path / "asked", tmp_path / "ready", tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\ntouch {asked}\ntest -e {ready}\n")
    kubectl.chmod(0o755)
    made = cluster(machine, tmp_path, kubectl=str(kubectl))
    create(made)
    made.stop()
    with ThreadPoolExecutor() as pool:
        started = pool.submit(made.start)
        try:
            wait_until(asked.exists)
            assert machine.containers[NODE]["running"]
            assert made.phase() == "stopped"
        finally:
            ready.touch()
        started.result(timeout=30)
    assert made.phase() == "running"


def test_a_cluster_counts_as_absent_until_it_is_whole(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    with made.made() as mark:
        made.create(b"{}", "node:1", mark)
        assert machine.containers[NODE]["running"]
        assert (made.phase(), cluster(machine, tmp_path).phase()) == ("absent", "absent")
    assert made.phase() == "running"


def test_nothing_is_left_of_a_cluster_that_could_not_be_made(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    machine.failures["kind create"] = "ERROR: failed to create cluster"
    machine.containers[NODE] = {"running": True, "labels": machine.image_labels}
    with pytest.raises(PreflightFailed, match="kind create cluster failed"):
        create(made)
    assert (machine.containers, made.folder.exists(), made.leaves()) == ({}, False, False)


def test_what_a_killed_command_has_made_is_made_again(machine: FakeMachine, tmp_path: Path) -> None:
    create(cluster(machine, tmp_path))
    (tmp_path / "kind" / "unfinished").touch()  # as if the process had been killed before it was whole
    killed = cluster(machine, tmp_path)
    assert (killed.phase(), killed.leaves()) == ("absent", True)
    machine.calls.clear()
    create(killed)
    assert [call[1] for call in machine.calls] == ["delete", "create"]
    assert killed.phase() == "running"


def test_a_half_made_cluster_is_removed(machine: FakeMachine, tmp_path: Path) -> None:
    create(cluster(machine, tmp_path))
    (tmp_path / "kind" / "unfinished").touch()
    cluster(machine, tmp_path).delete()
    assert (machine.containers, (tmp_path / "kind").exists()) == ({}, False)


def test_a_program_of_a_killed_command_is_waited_for(tmp_path: Path) -> None:
    with (tmp_path / "unfinished").open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX)
        program = subprocess.Popen(["sleep", "60"], pass_fds=[mark.fileno()])
    try:
        with pytest.raises(Locked, match="another process still makes the cluster"), unfinished(tmp_path, patience=0.3):
            pass
    finally:
        program.kill()
        program.wait()
    with unfinished(tmp_path, patience=5):
        assert is_unfinished(tmp_path)
    assert not is_unfinished(tmp_path)


def test_the_rest_of_a_cluster_whose_node_was_removed_by_hand_goes(machine: FakeMachine, tmp_path: Path) -> None:
    rest = ["network", "image"]
    made = cluster(machine, tmp_path, rest=rest)
    create(made)
    machine.containers.clear()
    assert (made.phase(), made.leaves()) == ("absent", True)
    made.delete()
    assert (rest, made.leaves()) == ([], False)


def test_what_is_absent_is_stopped_and_removed_already(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    made.stop()
    made.delete()
    assert machine.calls == []


def test_a_cluster_that_was_deleted_by_hand_leaves_no_kubeconfig(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    create(made)
    machine.containers.clear()
    made.delete()
    assert not made.kubeconfig.exists()


def test_a_foreign_cluster_of_the_same_name_is_left_alone(machine: FakeMachine, tmp_path: Path) -> None:
    machine.containers[NODE] = {"running": True, "labels": {"io.x-k8s.kind.cluster": "nexusdev-shop"}}
    made = cluster(machine, tmp_path)
    for change in (made.phase, made.stop, made.delete, made.start):
        with pytest.raises(IdentityMismatch, match="was not made by this instance"):
            change()
    assert NODE in machine.containers


def test_a_lost_kubeconfig_is_written_again(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    create(made)
    made.kubeconfig.unlink()
    kubectl = made.connect()
    assert (made.kubeconfig.read_text(), kubectl.context) == ("exported", "kind-nexusdev-shop")
    assert made.kubeconfig.stat().st_mode & 0o777 == 0o600


def test_a_missing_docker_command_is_an_error_with_a_hint(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    create(made)
    del machine.programs["docker"]
    with pytest.raises(PreflightFailed) as caught:
        made.deliver(MemoryImages(), ["nexusdev/redis:8"])
    assert (caught.value.code, caught.value.message) == ("PROGRAM_MISSING", "docker is not on this machine")


def stored(*references: str) -> MemoryImages:
    store = MemoryImages(published={reference: f"sha256:{reference}" for reference in references})
    for reference in references:
        store.pull(reference, None, lambda _: None)
    return store


def test_images_are_loaded_in_one_stream_and_only_once(machine: FakeMachine, tmp_path: Path) -> None:
    store = stored("nexusdev/redis:8", "nexusdev/vault:1")
    made = cluster(machine, tmp_path)
    create(made)
    both = ("nexusdev/redis:8", "nexusdev/vault:1")
    assert made.deliver(store, both) == both
    imports = [call for call in machine.calls if "import" in call]
    assert len(imports) == 1
    assert made.deliver(store, both) == ()
    assert [call for call in machine.calls if "import" in call] == imports


def test_another_image_under_the_same_name_is_loaded(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    create(made)
    store = stored("nexusdev/redis:8")
    made.deliver(store, ["nexusdev/redis:8"])
    store.published["nexusdev/other:9"] = "sha256:other"
    other = store.pull("nexusdev/other:9", None, lambda _: None)
    store.tag(other.id, "nexusdev/redis:8")
    assert made.deliver(store, ["nexusdev/redis:8"]) == ("nexusdev/redis:8",)


def test_a_failed_load_says_why(machine: FakeMachine, tmp_path: Path) -> None:
    made = cluster(machine, tmp_path)
    create(made)
    machine.failures["docker exec"] = "ctr: write /var/lib/containerd: no space left on device"
    with pytest.raises(RuntimeRefused) as caught:
        made.deliver(stored("nexusdev/redis:8"), ["nexusdev/redis:8"])
    assert caught.value.why == "ctr: write /var/lib/containerd: no space left on device"


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("nexusdev/redis:8", "docker.io/nexusdev/redis:8"),
        ("redis:8", "docker.io/library/redis:8"),
        ("localhost/redis:8", "localhost/redis:8"),
        ("registry.example:5000/a/redis:8", "registry.example:5000/a/redis:8"),
        ("docker.io/nexusdev/redis:8", "docker.io/nexusdev/redis:8"),
    ],
)
def test_containerd_knows_images_by_their_full_names(reference: str, name: str) -> None:
    assert full_name(reference) == name


def test_the_ids_of_loaded_images_are_read_from_the_labels() -> None:
    listing = (
        "REF                        TYPE       DIGEST     SIZE   PLATFORMS   LABELS\n"
        "docker.io/nexusdev/a:1     mediatype  sha256:99  9 MiB  linux/amd64 dev.nexus.id=sha256:1,io.cri-containerd.image=managed\n"
        "registry.k8s.io/pause:3.10 mediatype  sha256:98  1 MiB  linux/amd64 io.cri-containerd.image=managed\n"
    )
    assert loaded_ids(listing) == {"sha256:1"}
