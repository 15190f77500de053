"""config, ls, ports, gc: who is where, and what may go."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from nexusdev.errors import PreflightFailed
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import locked
from nexusdev.operations import gc
from nexusdev.operations.config import show
from nexusdev.operations.ls import ls
from nexusdev.operations.ports import ports
from nexusdev.operations.up import up
from nexusdev.operations.verbs import stop
from nexusdev.plan.survey import Survey
from nexusdev.runtimes.image_door import StoredImage
from tests.fakes import House, MemoryDoors


class Absent(MemoryDoors):
    """No engine answers."""

    def survey(self, *, caches: bool = False) -> Survey:
        raise PreflightFailed("the engine does not answer")


def test_config_shows_every_setting_and_where_it_came_from(house: House) -> None:
    context = house.context(parallel=2, origins={"parallel": "nexusdev.toml:1"})
    shown = show(context, origin=True)
    assert shown.data["settings"]["parallel"] == {"value": 2, "origin": "nexusdev.toml:1"}
    assert shown.data["settings"]["runtime"]["origin"] == "default"
    assert shown.data["settings"]["instance"]["value"] == "shop"


def test_ls_tells_instances_apart_and_marks_the_one_that_is_meant(house: House) -> None:
    up(house.context())
    other = house.folder / "other"
    other.mkdir()
    second = replace(house.context(), identity=Identity(name="other", project=other))
    up(second)
    stop(second)
    rows = {row["name"]: row for row in ls(house.context()).data["instances"]}
    assert {name: (row["state"], row["here"]) for name, row in rows.items()} == {
        "shop": ("running (3 containers)", True),
        "other": ("stopped", False),
    }
    assert rows["shop"]["ports"] != rows["other"]["ports"]


def test_ls_without_an_engine_lists_what_the_state_knows_and_warns(house: House) -> None:
    up(house.context())
    house.doors = Absent()
    outcome = ls(house.context())
    assert [row["name"] for row in outcome.data["instances"]] == ["shop"]
    assert "nobody knows what runs" in outcome.warnings[0]


def test_ls_of_an_empty_machine_says_how_to_begin(house: House) -> None:
    assert ls(house.context()).says == ("no instance yet; nexusdev up makes one",)


def test_ports_say_what_they_reach(house: House) -> None:
    up(house.context())
    instance = house.context().instance()
    found = {row["port"]: (row["service"], row["container_port"]) for row in ports(house.context()).data["ports"]}
    assert found == {
        instance.port(70): ("redis-0", 6379),
        instance.port(71): ("redis-1", 6379),
        instance.port(79): ("gateway-rw", 6379),
    }


class Store:
    """The engine's images, as gc sees them."""

    def __init__(self, *images: StoredImage) -> None:
        self.images = list(images)
        self.references = {"redis": "nexusdev/redis:2"}
        self.dropped: list[str] = []

    @property
    def door(self) -> Store:
        return self

    def list(self) -> list[StoredImage]:
        return self.images

    def untag(self, reference: str) -> None:
        self.images = [each for each in self.images if reference not in each.tags]

    def drop_volume(self, name: str) -> int:
        self.dropped.append(name)
        return 1


class WithStore(MemoryDoors):
    """A world with images and with the cache of their builds."""

    store = Store()

    def survey(self, *, caches: bool = False) -> Survey:
        return replace(super().survey(), in_use=frozenset({"used"}), caches=("nexusdev-go-cache",) if caches else ())

    def images(self, *_args: object, **_more: object) -> Store:
        return self.store


@pytest.fixture
def orphaned(house: House) -> House:
    """An instance whose project folder was deleted."""
    up(house.context())
    shutil.rmtree(house.project)
    doors = WithStore(world=house.world)
    doors.store = Store()
    house.doors = doors
    return house


def names(leftovers: tuple[gc.Leftover, ...]) -> list[str]:
    return [str(each) for each in leftovers]


def test_an_instance_whose_folder_is_gone_goes_with_its_data_and_its_state(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.look(context)
    assert names(found) == ["instance shop", "build cache nexusdev-go-cache"]
    assert f"{orphaned.project} is gone" in found[0].because
    outcome = gc.remove(context, found)
    assert outcome.warnings == ()
    assert not orphaned.world.cells
    assert not orphaned.world.volumes
    assert not (context.root / "instances" / "shop").exists()
    assert names(gc.look(context)) == ["build cache nexusdev-go-cache"]


def test_looking_removes_nothing(orphaned: House) -> None:
    before = set(orphaned.world.cells)
    gc.look(orphaned.context())
    assert set(orphaned.world.cells) == before


def test_an_instance_on_which_somebody_works_is_left_alone(orphaned: House) -> None:
    context = orphaned.context()
    with locked(context.identity, "nexusdev up", root=context.root):
        assert names(gc.look(context)) == ["build cache nexusdev-go-cache"]


def test_a_folder_that_came_back_meanwhile_keeps_its_instance(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.look(context)
    orphaned.project.mkdir()
    outcome = gc.remove(context, found[:1])
    assert "is back" in outcome.warnings[0]
    assert orphaned.world.cells


def test_images_of_older_releases_go_unless_a_container_is_made_from_them() -> None:
    ours = {"dev.nexus.image": "redis:1"}
    stored = [
        StoredImage(id="old", tags=("nexusdev/redis:1", "nexusdev/redis:local"), labels=ours),
        StoredImage(id="used", tags=("nexusdev/redis:0",), labels=ours),
        StoredImage(id="now", tags=("nexusdev/redis:2",), labels=ours),
        StoredImage(id="foreign", tags=("postgres:17",)),
    ]
    found = gc.old_images(stored, frozenset({"used"}), {"redis": "nexusdev/redis:2"})
    assert [each.name for each in found] == ["nexusdev/redis:1"]


def test_a_half_made_state_folder_goes(orphaned: House) -> None:
    context = orphaned.context()
    gc.remove(context, gc.look(context))
    (context.root / "instances" / "half").mkdir()
    assert names(gc.look(context))[0] == "state folder half"
    gc.remove(context, gc.look(context))
    assert not (context.root / "instances" / "half").exists()
