"""What the engine's lists mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from nexusdev.runtimes.docker import labels
from nexusdev.runtimes.docker.create import ResourceNames
from nexusdev.runtimes.docker.observe import needs_details, seconds, snapshot, state_path
from nexusdev.runtimes.docker.plan.snapshot import Snapshot, State
from nexusdev.stack.model import Network, Service, Stack

DB = Service(name="db", image="db:1", component="db", group="db", address="10.0.0.10")
NAMES = ResourceNames(
    project="nexusdev-shop",
    instance="shop",
    owner_path="/home/dev/shop",
    stack=Stack(project="nexusdev-shop", network=Network(name="nexus", subnet="10.0.0.0/24"), services={"db": DB}),
)
NETWORK = {
    "Id": "net1",
    "Name": "nexusdev-shop_nexus",
    "Labels": {labels.INSTANCE: "shop", labels.OWNER_PATH: "/home/dev/shop"},
    "IPAM": {"Config": [{"Subnet": "10.0.0.0/24"}]},
}

LABELS = {
    labels.INSTANCE: "shop",
    labels.SERVICE: "db",
    labels.COMPONENT: "db",
    labels.FINGERPRINT: "f1",
    labels.OWNER_PATH: "/home/dev/shop",
}


def listed(name: str = "nexusdev-shop-db-1", **more: Any) -> dict[str, Any]:
    return {
        "Id": "c1",
        "Names": [f"/{name}"],
        "Image": "db:1",
        "ImageID": "sha256:1",
        "State": "running",
        "Status": "Up 3 minutes (healthy)",
        "Labels": LABELS,
        "HostConfig": {"NetworkMode": "nexusdev-shop_nexus"},
        "NetworkSettings": {"Networks": {"nexusdev-shop_nexus": {"NetworkID": "net1"}}},
        **more,
    }


def see(
    *containers: dict[str, Any], networks: Sequence[Any] = (NETWORK,), details: dict[str, Any] | None = None
) -> Snapshot:
    return snapshot(containers, [], networks, details or {}, NAMES)


def test_a_running_container_is_observed_from_the_list_alone() -> None:
    assert needs_details([listed()]) == []
    db = see(listed()).containers["db"]
    assert (db.state, db.health, db.fingerprint, db.component, db.owner_path) == (
        State.RUNNING,
        "healthy",
        "f1",
        "db",
        "/home/dev/shop",
    )
    assert db.attached


def test_ended_containers_are_inspected() -> None:
    assert needs_details([listed(State="exited")]) == ["c1"]
    state = {
        "Status": "exited",
        "ExitCode": 137,
        "OOMKilled": True,
        "Error": "boom",
        "StartedAt": "2026-11-24T03:22:21.5Z",
        "FinishedAt": "2026-11-24T03:22:23.123456789Z",
    }
    db = see(listed(State="exited", Status="Exited (137)"), details={"c1": {"Id": "c1", "State": state}}).containers[
        "db"
    ]
    assert (db.state, db.exit_code, db.out_of_memory, db.error) == (State.EXITED, 137, True, "boom")
    assert round(db.finished_at - db.started_at, 6) == 1.623456


def test_both_sides_of_a_shared_network_are_inspected() -> None:
    sidecar = listed("nexusdev-shop-side-1", Id="c2", HostConfig={"NetworkMode": "container:c1"})
    alone = listed("nexusdev-shop-alone-1", Id="c3")
    assert needs_details([listed(), sidecar, alone]) == ["c1", "c2"]


def test_a_sidecar_is_recognized_without_a_network_in_the_list() -> None:
    sidecar = listed(HostConfig={"NetworkMode": "host"}, Labels={**LABELS, labels.ROLE: "sidecar"})
    assert needs_details([sidecar]) == ["c1"]
    details = {"c1": {"Id": "c1", "State": {"Status": "running"}, "HostConfig": {"NetworkMode": "container:c9"}}}
    db = see(sidecar, details=details).containers["db"]
    assert (db.namespace_of, db.attached) == ("c9", True)


@pytest.mark.parametrize(
    ("settings", "networks", "attached"),
    [
        ({"nexusdev-shop_nexus": {"NetworkID": "net1"}}, [NETWORK], True),
        ({"nexusdev-shop_nexus": {"NetworkID": ""}}, [NETWORK], True),
        ({"nexusdev-shop_nexus": {"NetworkID": "an older one"}}, [NETWORK], False),
        ({"bridge": {"NetworkID": "b"}}, [NETWORK], False),
        ({}, [NETWORK], False),
        ({"nexusdev-shop_nexus": {"NetworkID": "net1"}}, [], False),
    ],
)
def test_attached_refers_to_the_current_network(settings: dict[str, Any], networks: list[Any], attached: bool) -> None:
    assert see(listed(NetworkSettings={"Networks": settings}), networks=networks).containers["db"].attached is attached


def test_a_wrong_name_is_a_stray_and_a_wrong_label_is_foreign() -> None:
    seen = see(listed("mine"), listed(Id="c2", Labels={"com.docker.compose.project": "nexusdev-shop"}, Image="redis:7"))
    assert seen.containers == {}
    assert [(orphan.name, orphan.service) for orphan in seen.orphans] == [("mine", "db")]
    assert seen.name_conflicts == {"db": "redis:7"}


def test_resources_of_other_instances_are_ignored() -> None:
    assert see(listed("other-db-1", Labels={labels.INSTANCE: "other", labels.SERVICE: "db"}), networks=[]) == Snapshot()


@pytest.mark.parametrize(
    ("word", "state"),
    [("removing", State.DEAD), ("stopped", State.EXITED), ("configured", State.CREATED), ("paused", State.PAUSED)],
)
def test_every_engine_state_is_mapped(word: str, state: State) -> None:
    assert see(listed(State=word)).containers["db"].state is state


@pytest.mark.parametrize(
    ("written", "expected"),
    [("", 0.0), ("0001-01-01T00:00:00Z", 0.0), ("1970-01-01T00:00:01Z", 1.0), ("1970-01-01T01:00:01.25+01:00", 1.25)],
)
def test_engine_times_are_converted_to_seconds(written: str, expected: float) -> None:
    assert seconds(written) == expected


@pytest.mark.parametrize(
    ("tags", "mounts", "expected"),
    [
        ({"dev.nexus.state-path": "/s/instances/shop"}, [], "/s/instances/shop"),
        ({}, [{"Type": "bind", "Source": "/h/nexusdev/instances/shop/secrets/a"}], "/h/nexusdev/instances/shop"),
        ({}, [{"Type": "bind", "Source": "/h/nexusdev/instances/other/secrets/a"}], ""),
        ({}, [{"Type": "volume", "Name": "v", "Source": "/x/instances/shop/y"}], ""),
        ({}, None, ""),
    ],
)
def test_the_state_folder_is_read_from_the_label_or_older_mounts(
    tags: dict[str, str], mounts: list[dict[str, str]] | None, expected: str
) -> None:
    assert state_path({"Labels": tags, "Mounts": mounts}, "shop") == expected


def test_volumes_have_the_names_of_the_stack() -> None:
    volume = {
        "Name": "nexusdev-shop_db",
        "Labels": {labels.INSTANCE: "shop", labels.VOLUME: "db", labels.OWNER_PATH: "/x"},
    }
    [(name, seen)] = snapshot([], [volume], [], {}, NAMES).volumes.items()
    assert (name, seen.full_name, seen.owner_path) == ("db", "nexusdev-shop_db", "/x")
