"""What the loss of data volumes means, on the stack as it is: what can be rebuilt, what begins anew, and what has to go with it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from nexusdev.components.capabilities import HoldsData
from nexusdev.components.component_set import ComponentSet
from nexusdev.context import stack_file
from nexusdev.stack.loader import load
from nexusdev.stack.losses import Holding, Loss, cleared, losses, missing
from nexusdev.stack.model import Network, Service, Stack, VolumeMount

ALL = ComponentSet()

ETCD = ("etcd-0-data", "etcd-1-data", "etcd-2-data")
POSTGRES = ("postgresql-0-data", "postgresql-1-data", "postgresql-2-data")
REDIS = ("redis-0", "redis-1", "redis-2")
SENTINEL = ("sentinel-0", "sentinel-1", "sentinel-2")
MINIO = ("minio-0", "minio-1", "minio-2", "minio-3")
VAULT = ("vault-0", "vault-1", "vault-2")
HOLDINGS = {name: each.holdings() for name, each in ALL.items() if isinstance(each, HoldsData)}


@pytest.fixture(scope="module")
def stack() -> Stack:
    return load(stack_file(), {"NEXUS_STATE": "/nowhere", "NEXUS_PROJECT": "nexusdev-shop"})


def found(stack: Stack, gone: Sequence[str]) -> dict[str, Loss]:
    there = [volume for volume in stack.volumes if volume not in gone]
    return {loss.group: loss for loss in losses(stack, gone, existing=there, holdings=HOLDINGS)}


def test_every_group_with_volumes_declares_its_data(stack: Stack) -> None:
    groups = {(each.component, each.group) for each in stack.services.values() if each.volumes}
    assert groups == {(name, each.group) for name, several in HOLDINGS.items() for each in several}


def test_a_volume_never_seen_is_not_missing(stack: Stack) -> None:
    assert missing(stack, marked=("redis-0", "of-an-older-stack"), existing=("redis-1",)) == ("redis-0",)


@pytest.mark.parametrize("volume", [*ETCD, *POSTGRES, *REDIS, *SENTINEL, *MINIO, *VAULT, "vault-unseal"])
def test_one_lost_volume_is_rebuilt_from_the_others(stack: Stack, volume: str) -> None:
    (loss,) = found(stack, [volume]).values()
    assert (loss.empty, loss.gone, loss.cleared) == (False, (volume,), ())


@pytest.mark.parametrize(
    ("gone", "empty", "going"),
    [
        (POSTGRES, {"postgresql"}, ETCD),
        (POSTGRES[:2], {"postgresql"}, (POSTGRES[2], *ETCD)),
        ((*POSTGRES, ETCD[0]), {"postgresql", "etcd"}, ETCD[1:]),
        ((*POSTGRES, *ETCD), {"postgresql", "etcd"}, ()),
        (VAULT[:2], {"vault"}, (VAULT[2],)),
        (VAULT, {"vault"}, ()),
        ((*VAULT, "vault-unseal"), {"vault"}, ()),
        (REDIS, {"redis"}, SENTINEL),
        ((*SENTINEL, REDIS[0]), {"redis", "sentinel"}, REDIS[1:]),
        (MINIO[:2], {"minio"}, MINIO[2:]),
        (("prometheus-0",), {"prometheus"}, ()),
        (("alertmanager-0", "alertmanager-1"), {"alertmanager"}, ()),
        (("grafana",), {"grafana"}, ()),
    ],
)
def test_unrecoverable_data_starts_empty_with_its_dependents(
    stack: Stack, gone: Sequence[str], empty: set[str], going: Sequence[str]
) -> None:
    losses_ = found(stack, gone)
    assert {group for group, loss in losses_.items() if loss.empty} == empty
    assert set(cleared(losses_.values())) == set(going)


def test_sentinels_are_rebuilt_from_a_complete_redis(stack: Stack) -> None:
    loss = found(stack, SENTINEL)["sentinel"]
    assert (loss.empty, loss.source, loss.cleared) == (False, ("redis",), ())


@pytest.mark.parametrize("gone", [ETCD, ETCD[:2]])
def test_etcd_is_rebuilt_from_complete_databases(stack: Stack, gone: Sequence[str]) -> None:
    loss = found(stack, gone)["etcd"]
    assert (loss.empty, loss.source, loss.cleared) == (False, ("postgresql",), ETCD[len(gone) :])


def test_etcd_without_a_majority_and_incomplete_databases_start_empty(stack: Stack) -> None:
    losses_ = found(stack, (*ETCD[:2], POSTGRES[0]))
    assert all(loss.empty for loss in losses_.values())
    assert set(cleared(losses_.values())) == {ETCD[2], *POSTGRES[1:]}


def test_a_minority_of_sentinels_is_rebuilt_from_redis(stack: Stack) -> None:
    assert found(stack, SENTINEL[:2])["sentinel"].cleared == (SENTINEL[2],)


def test_components_are_independent(stack: Stack) -> None:
    losses_ = found(stack, (*POSTGRES, "redis-0"))
    assert not losses_["redis"].empty
    assert set(cleared(losses_.values())) == set(ETCD)


@pytest.mark.parametrize(("members", "gone", "empty"), [(5, 2, False), (5, 3, True), (4, 1, False), (4, 2, True)])
def test_a_majority_is_counted_over_the_volumes_that_the_group_has(members: int, gone: int, empty: bool) -> None:
    volumes = [f"db-{number}" for number in range(members)]
    services = {
        name: Service(
            name=name,
            image="db:1",
            component="db",
            group="db",
            ordinal=number,
            volumes=(VolumeMount(volume=name, target="/data"),),
        )
        for number, name in enumerate(volumes)
    }
    network = Network(name="nexus", subnet="10.213.0.0/24")
    stack = Stack(project="x", network=network, services=services, volumes=tuple(volumes))
    holding = Holding(group="db", what="the rows", enough="majority")
    (loss,) = losses(stack, volumes[:gone], existing=volumes[gone:], holdings={"db": [holding]})
    assert (loss.empty, loss.gone) == (empty, tuple(volumes[:gone]))
