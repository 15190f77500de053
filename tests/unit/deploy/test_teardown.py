"""Containers of others on the instance's network or volumes: named before anything is removed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from nexusdev.context import Context
from nexusdev.errors import IdentityMismatch, PreflightFailed, TeardownIncomplete
from nexusdev.operations import destroy as destroying
from nexusdev.operations import gc
from nexusdev.operations.destroy import destroy
from nexusdev.operations.destroy_service import discard
from nexusdev.operations.down import down
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.up import up
from nexusdev.runtimes.docker import docker_errors
from nexusdev.runtimes.docker.plan.snapshot import Snapshot, State
from nexusdev.runtimes.docker.plan.steps import Action
from nexusdev.runtimes.memory.runtime import MemoryRuntime
from nexusdev.stack.losses import Holding
from tests.fakes import FakeComponent, House

NETWORK = "nexusdev-shop_nexus"


@dataclass(kw_only=True)
class FakeStore(FakeComponent):
    """Two servers, neither of which can be rebuilt when the other is gone."""

    def holdings(self) -> Sequence[Holding]:
        return [Holding(group="redis", what="the keys", enough=2)]

    def data_loss(self, service: str) -> str:
        return "its keys"


@pytest.fixture
def running(tmp_path: Path) -> House:
    house = House(folder=tmp_path, redis=FakeStore(name="redis"))
    up(house.context())
    return house


def on_the_network(house: House, *names: str) -> None:
    for name in names:
        house.engine.add_stranger(name)
        house.engine.connect(name, NETWORK)


def there(house: House) -> Snapshot:
    runtime = house.context().runtime()
    assert isinstance(runtime, MemoryRuntime)
    return runtime.observe().snapshot


@pytest.mark.parametrize(
    ("command", "act"),
    [("down", down), ("destroy", destroy), ("destroy", destroying.question)],
    ids=["down", "destroy", "the question of destroy"],
)
def test_a_foreign_container_on_the_network_is_named_and_nothing_is_removed(
    running: House, command: str, act: Callable[[Context], object]
) -> None:
    on_the_network(running, "web")
    before = there(running)
    with pytest.raises(TeardownIncomplete) as caught:
        act(running.context())
    error = caught.value
    assert error.message == f"network {NETWORK} is in use by container web, which is not this instance's"
    assert error.hint.splitlines() == [f"docker network disconnect {NETWORK} web", f"nexusdev {command}   then retry"]
    assert (error.code, error.exit_status) == ("NETWORK_IN_USE", 8)
    assert there(running) == before


def test_the_same_command_works_after_the_foreign_container_left(running: House) -> None:
    on_the_network(running, "web", "cron")
    with pytest.raises(TeardownIncomplete, match="containers web and cron, which are not"):
        destroy(running.context())
    running.engine.disconnect("web")
    running.engine.disconnect("cron")
    destroy(running.context())
    assert there(running) == Snapshot()


@pytest.mark.parametrize(
    "act", [down, destroy, destroying.question, stop], ids=lambda act: act.__module__.rpartition(".")[2]
)
def test_the_instance_of_another_user_is_refused_and_nothing_is_changed(
    running: House, monkeypatch: pytest.MonkeyPatch, act: Callable[[Context], object]
) -> None:
    """Somebody who may use Docker, in the project folder of the other: ``nexusdev -C /home/other/shop destroy --yes``."""
    before = there(running)
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    with pytest.raises(IdentityMismatch) as caught:
        act(running.context())
    assert caught.value.code == "OTHER_USER"
    assert caught.value.message == "instance shop belongs to another user"
    assert str(running.folder / "state" / "instances" / "shop") in caught.value.why
    assert "nexusdev …   run it as " in caught.value.hint
    monkeypatch.undo()
    assert there(running) == before


def test_the_instance_of_a_user_whose_state_is_gone_can_be_destroyed(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(running.folder / "state" / "instances")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    destroy(running.context())
    monkeypatch.undo()
    assert there(running) == Snapshot()


def test_a_stopped_foreign_container_does_not_hold_the_network(running: House) -> None:
    on_the_network(running, "web")
    running.engine.kill("web")
    down(running.context())
    assert there(running).network is None


def test_a_volume_in_foreign_use_blocks_destroy_but_not_down(running: House) -> None:
    running.engine.add_stranger("backup", volumes=("nexusdev-shop_redis-0",))
    running.engine.kill("backup")
    before = there(running)
    with pytest.raises(
        TeardownIncomplete, match="volume nexusdev-shop_redis-0 is in use by container backup"
    ) as caught:
        destroy(running.context())
    assert caught.value.code == "VOLUME_IN_USE"
    assert there(running) == before
    down(running.context())
    assert set(there(running).volumes) == {"redis-0", "redis-1"}


def test_every_held_resource_is_reported_in_one_error(running: House) -> None:
    on_the_network(running, "web")
    running.engine.add_stranger("backup", volumes=("nexusdev-shop_redis-0",))
    with pytest.raises(TeardownIncomplete) as caught:
        destroy(running.context())
    assert caught.value.evidence == (f"network {NETWORK}: web", "volume nexusdev-shop_redis-0: backup")


def test_destroying_a_server_checks_for_foreign_users_first(running: House) -> None:
    running.engine.add_stranger("backup", volumes=("nexusdev-shop_redis-0",))
    before = there(running)
    with pytest.raises(TeardownIncomplete, match="backup"):
        discard(running.context(), ["redis-0"])
    assert there(running) == before


def test_up_checks_a_network_to_recreate_before_changing_anything(running: House) -> None:
    on_the_network(running, "web")
    running.engine.networks[NETWORK].subnet = "10.99.0.0/24"
    before = there(running)
    with pytest.raises(PreflightFailed) as caught:
        up(running.context())
    assert caught.value.code == "NETWORK_IN_USE"
    assert caught.value.hint.splitlines()[-1] == "nexusdev up   then retry"
    assert there(running) == before


def test_an_up_that_keeps_the_network_ignores_foreign_containers(running: House) -> None:
    on_the_network(running, "web")
    running.engine.kill(running.container("redis-0"))
    network = there(running).network
    up(running.context())
    assert there(running).containers["redis-0"].state is State.RUNNING
    assert there(running).network == network
    assert [each.state for each in running.engine.containers.values() if each.name == "web"] == [State.RUNNING]


def test_remaining_volumes_are_checked_for_foreign_users_before_removal(running: House) -> None:
    running.engine.remove(running.container("redis-1"))
    del running.engine.volumes["nexusdev-shop_redis-1"]
    running.engine.add_stranger("backup", volumes=("nexusdev-shop_redis-0",))
    before = there(running)
    with pytest.raises(PreflightFailed, match="backup"):
        up(running.context(), agreed={"redis-0", "redis-1"})
    assert there(running) == before


def test_a_foreign_container_appearing_midway_is_named_and_a_retry_finishes(running: House) -> None:
    running.engine.failures[Action.REMOVE_NETWORK, "nexus"] = docker_errors.network_in_use(NETWORK, ["web"])
    with pytest.raises(TeardownIncomplete) as caught:
        destroy(running.context())
    assert caught.value.hint.splitlines()[0] == f"docker network disconnect {NETWORK} web"
    assert there(running).network is not None
    running.engine.failures.clear()
    destroy(running.context())
    assert there(running) == Snapshot()


def test_gc_keeps_an_abandoned_instance_in_foreign_use(running: House) -> None:
    stop(running.context())
    on_the_network(running, "web")
    shutil.rmtree(running.project)
    existing = running.provider.inventory().of("shop")
    leftover = gc.Leftover(
        kind="data",
        name="shop",
        reason="its folder is gone",
        owner=str(running.project),
        objects=(*existing.services, f"network {NETWORK}"),
        volumes=existing.volumes,
    )
    before = there(running)
    assert "container web" in gc.remove(running.context(), [leftover]).warnings[0]
    assert there(running) == before
    running.engine.disconnect("web")
    assert gc.remove(running.context(), [leftover]).warnings == ()
    assert (there(running).containers, there(running).volumes) == ({}, {})
