"""gc: what may be removed, and what stays."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.errors import UsageError
from nexusdev.instance.instance import locked
from nexusdev.instance.project_places import place_of
from nexusdev.instance.run_claims import Claims, RunClaim
from nexusdev.instance.state import read_record, write_record
from nexusdev.operations import gc
from nexusdev.operations.lifecycle import restart, stop
from nexusdev.operations.ls import ls
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.image_store import StoredImage
from tests.fakes import House, shown
from tests.unit.operations.conftest import shown_project


def names(leftovers: tuple[gc.Leftover, ...]) -> list[str]:
    return [str(each) for each in leftovers]


def test_gc_removes_containers_of_an_abandoned_instance_and_keeps_its_data(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.find_leftovers(context)
    assert names(found) == ["instance shop", "build cache nexusdev-go-cache"]
    assert f"{orphaned.project} is gone; its 2 volumes and data are kept" in found[0].reason
    outcome = gc.remove(context, found)
    assert outcome.warnings == ()
    assert not orphaned.engine.containers
    assert len(orphaned.engine.volumes) == 2
    assert (context.root / "instances" / "shop" / "secrets" / "redis-app").exists()
    assert names(gc.find_leftovers(context)) == ["build cache nexusdev-go-cache"]


def test_data_is_only_removed_on_request_after_listing_sizes(orphaned: House) -> None:
    orphaned.provider.sizes = {"nexusdev-shop_redis-0": 1_400_000_000, "nexusdev-shop_extra": 10}
    extra = replace(next(iter(orphaned.engine.volumes.values())), name="extra")
    orphaned.engine.volumes["nexusdev-shop_extra"] = extra
    context = orphaned.context()
    found = gc.find_leftovers(context, data=True)
    asked = gc.question(found)
    assert "instance shop with its data" in asked
    assert ", last used " in asked
    assert "volume nexusdev-shop_redis-0  1.4 GB" in asked
    assert "volume nexusdev-shop_redis-1  unknown size" in asked
    assert "volume nexusdev-shop_extra  less than 1 MB" in asked
    assert gc.remove(context, found).warnings == ()
    assert not orphaned.engine.volumes
    assert not (context.root / "instances" / "shop").exists()
    assert names(gc.find_leftovers(context, data=True)) == ["build cache nexusdev-go-cache"]


@pytest.mark.parametrize("data", [False, True])
@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED, State.RESTARTING])
def test_live_instances_are_no_leftovers(orphaned: House, state: State, data: bool) -> None:
    next(iter(orphaned.engine.containers.values())).state = state
    assert names(gc.find_leftovers(orphaned.context(), data=data)) == ["build cache nexusdev-go-cache"]
    (row,) = shown(ls(orphaned.context())).data["instances"]
    assert (row["gone"], row["alive"]) == (True, True)


def test_instances_started_after_the_confirmation_are_kept(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.find_leftovers(context, data=True)
    next(iter(orphaned.engine.containers.values())).state = State.RUNNING
    outcome = gc.remove(context, found[:1])
    assert "it was started in the meantime" in outcome.warnings[0]
    assert len(orphaned.engine.volumes) == 2


def move_to_another_mount(house: House, **place: str) -> None:
    """As if the project had been on a file system that is not mounted now."""
    folder = house.context().root / "instances" / "shop"
    record = read_record(folder)
    assert record is not None
    write_record(folder, replace(record, **place))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"mount": "/mnt/usb"}, "(was on the file system at /mnt/usb, which is not mounted now)"),
        (
            {"filesystem": "another disk at the same mount point"},
            "(was on a different file system than the one now mounted at ",
        ),
        ({"mount": "", "filesystem": ""}, "(is missing, and its file system is unknown)"),
    ],
)
@pytest.mark.parametrize("data", [False, True])
def test_an_inaccessible_folder_is_not_gone(orphaned: House, place: dict[str, str], said: str, data: bool) -> None:
    move_to_another_mount(orphaned, **place)
    assert names(gc.find_leftovers(orphaned.context(), data=data)) == ["build cache nexusdev-go-cache"]
    words = shown_project(orphaned)
    assert "nexusdev gc" not in words
    assert said in words


def test_a_folder_without_a_parent_is_left_alone(orphaned: House) -> None:
    record = read_record(orphaned.context().root / "instances" / "shop")
    assert record is not None
    gone = orphaned.folder / "work" / "shop"
    write_record(orphaned.context().root / "instances" / "shop", replace(record, owner=str(gone)))
    assert names(gc.find_leftovers(orphaned.context(), data=True)) == ["build cache nexusdev-go-cache"]


def test_an_older_record_gets_its_place_at_the_next_up(house: House) -> None:
    up(house.context())
    move_to_another_mount(house, mount="", filesystem="")
    up(house.context())
    record = read_record(house.context().root / "instances" / "shop")
    assert record is not None
    assert record.place == place_of(house.project)


def test_a_dry_run_removes_nothing(orphaned: House) -> None:
    before = set(orphaned.engine.containers)
    gc.find_leftovers(orphaned.context())
    assert set(orphaned.engine.containers) == before


def test_a_locked_instance_is_left_alone(orphaned: House) -> None:
    context = orphaned.context()
    with locked(context.identity, "nexusdev up", root=context.root):
        assert names(gc.find_leftovers(context)) == ["build cache nexusdev-go-cache"]


def test_resources_created_after_the_confirmation_keep_their_instance(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.find_leftovers(context, data=True)
    extra = replace(next(iter(orphaned.engine.volumes.values())), name="extra")
    orphaned.engine.volumes["nexusdev-shop_extra"] = extra
    before = set(orphaned.engine.containers)
    assert gc.remove(context, found[:1]).warnings == (
        "instance shop with its data was not removed: volume nexusdev-shop_extra was made meanwhile",
    )
    assert set(orphaned.engine.containers) == before
    assert len(orphaned.engine.volumes) == 3


def test_a_restored_folder_keeps_its_instance(orphaned: House) -> None:
    context = orphaned.context()
    found = gc.find_leftovers(context)
    orphaned.project.mkdir()
    outcome = gc.remove(context, found[:1])
    assert "is back" in outcome.warnings[0]
    assert orphaned.engine.containers


def test_unused_images_of_older_releases_are_removed() -> None:
    ours = {"dev.nexus.image": "redis:1"}
    stored = [
        StoredImage(id="old", tags=("nexusdev/redis:1", "nexusdev/redis:local"), labels=ours),
        StoredImage(id="used", tags=("nexusdev/redis:0",), labels=ours),
        StoredImage(id="now", tags=("nexusdev/redis:2",), labels=ours),
        StoredImage(id="foreign", tags=("postgres:17",)),
    ]
    found = gc.old_images(stored, frozenset({"used"}), {"redis": "nexusdev/redis:2"})
    assert [each.name for each in found] == ["nexusdev/redis:1"]


def test_an_incomplete_state_folder_is_removed(orphaned: House) -> None:
    context = orphaned.context()
    gc.remove(context, gc.find_leftovers(context, data=True))
    (context.root / "instances" / "half").mkdir()
    assert names(gc.find_leftovers(context))[0] == "state folder half"
    gc.remove(context, gc.find_leftovers(context))
    assert not (context.root / "instances" / "half").exists()


def test_gc_keeps_the_state_of_another_runtime(orphaned: House) -> None:
    folder = orphaned.folder / "state" / "instances" / orphaned.name
    record = read_record(folder)
    assert record is not None
    assert "instance shop with its data" in names(gc.find_leftovers(orphaned.context(), data=True))
    write_record(folder, replace(record, runtime="kubernetes"))
    assert "instance shop with its data" not in names(gc.find_leftovers(orphaned.context(), data=True))


def aged(house: House, hours: float) -> House:
    """The house, last used so long ago."""
    for file in state_files(house):
        os.utime(file, (time.time() - hours * 3600,) * 2)
    return house


def state_files(house: House) -> list[Path]:
    return [each for each in (house.folder / "state" / "instances").rglob("*") if each.is_file()]


def test_gc_instances_removes_only_instances(orphaned: House) -> None:
    assert names(gc.find_leftovers(orphaned.context(), instances=True)) == ["instance shop"]


def test_gc_older_than_removes_running_instances_and_keeps_data(house: House) -> None:
    up(house.context())
    context = aged(house, 3).context()
    assert gc.find_leftovers(context, instances=True, older_than="4h") == ()
    found = gc.find_leftovers(context, instances=True, older_than="2h")
    assert names(found) == ["instance shop"]
    assert f"last used 3 hours ago, running, of {house.project}; its 2 volumes and data are kept" in found[0].reason
    assert gc.remove(context, found).warnings == ()
    assert not house.engine.containers
    assert len(house.engine.volumes) == 2


def test_gc_older_than_removes_data_on_request(house: House) -> None:
    up(house.context())
    context = aged(house, 3).context()
    found = gc.find_leftovers(context, data=True, instances=True, older_than="2h")
    assert gc.remove(context, found).warnings == ()
    assert not house.engine.containers
    assert not house.engine.volumes
    assert state_files(house) == []
    assert list((house.folder / "state" / "locks").iterdir()) == []


def test_gc_older_than_keeps_locked_and_recently_used_instances(house: House) -> None:
    up(house.context())
    context = aged(house, 3).context()
    with locked(context.identity, "nexusdev up", root=context.root):
        assert gc.find_leftovers(context, instances=True, older_than="2h") == ()
    found = gc.find_leftovers(context, instances=True, older_than="2h")
    for file in state_files(house):
        os.utime(file)
    assert "it was used in the meantime" in gc.remove(context, found).warnings[0]
    assert house.engine.containers


def test_gc_older_than_keeps_instances_of_other_users(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    up(house.context())
    stop(house.context())
    aged(house, 3)
    context = replace(house.context(), root=house.folder / "of-another-user")
    found = gc.find_leftovers(context, data=True, instances=True, older_than="1s")
    assert names(found) == ["instance shop with its data"], "root, and who started it"
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert gc.find_leftovers(context, data=True, instances=True, older_than="1s") == ()
    shutil.rmtree(house.folder / "state" / "instances")
    assert names(gc.find_leftovers(context, data=True, instances=True, older_than="1s")) == names(found), "a dead job's"


@pytest.mark.parametrize(("words", "instances"), [("2h", False), ("soon", True), ("2", True), ("-2h", True)])
def test_an_invalid_age_is_refused(house: House, words: str, instances: bool) -> None:
    with pytest.raises(UsageError) as caught:
        gc.find_leftovers(house.context(), instances=instances, older_than=words)
    assert "nexusdev gc --instances --older-than" in caught.value.hint


def test_gc_removes_lock_files_of_a_killed_command(house: House) -> None:
    locks = house.folder / "state" / "locks"
    locks.mkdir(parents=True)
    for name in ("instance-gone.lock", "instance-gone.lock.by-4711-00000000"):
        (locks / name).touch()
    gc.remove(house.context(), ())
    assert list(locks.iterdir()) == []


def claimed(house: House, *, created: bool) -> Claims:
    """An instance that a test run brought up; the run was killed."""
    up(house.context())
    claims = Claims(root=house.context().root)
    claims.write("shop", RunClaim(runs=("4711-dead",), created=created))
    return claims


def test_gc_removes_what_a_killed_test_run_brought_up(house: House) -> None:
    claims = claimed(house, created=True)
    context = house.context()
    (found,) = gc.find_leftovers(context, data=True, instances=True)
    assert found.reason.startswith("brought up by a test run that was killed (pytest --nexus=up)")
    assert gc.remove(context, [found]).warnings == ()
    assert (house.engine.containers, house.engine.volumes, claims.read("shop")) == ({}, {}, None)
    assert state_files(house) == []


def test_gc_keeps_data_of_a_killed_test_run_without_the_option_for_it(house: House) -> None:
    claims = claimed(house, created=True)
    context = house.context()
    (found,) = gc.find_leftovers(context, instances=True)
    assert gc.remove(context, [found]).warnings == ()
    assert (house.engine.containers, len(house.engine.volumes)) == ({}, 2)
    assert claims.abandoned() == ["shop"]  # its data is still that of the run
    assert names(gc.find_leftovers(house.context(), instances=True)) == []
    assert names(gc.find_leftovers(house.context(), instances=True, data=True)) == ["instance shop with its data"]


def test_gc_keeps_data_that_was_there_before_the_killed_test_run(house: House) -> None:
    claims = claimed(house, created=False)
    context = house.context()
    (found,) = gc.find_leftovers(context, data=True, instances=True)
    assert "data are kept" in found.reason
    assert gc.remove(context, [found]).warnings == ()
    assert (house.engine.containers, len(house.engine.volumes), claims.read("shop")) == ({}, 2, None)


def test_gc_leaves_the_instance_of_a_living_test_run_alone(house: House) -> None:
    claims = claimed(house, created=True)
    claims.write("shop", RunClaim(runs=("4711-alive",), created=True))
    with claims.living("4711-alive", "pytest"):
        assert gc.find_leftovers(house.context(), data=True, instances=True) == ()


def test_gc_keeps_an_instance_that_a_test_run_uses_again(house: House) -> None:
    claims = claimed(house, created=True)
    context = house.context()
    found = gc.find_leftovers(context, data=True, instances=True)
    claims.write("shop", RunClaim(runs=("4711-alive",), created=True))
    with claims.living("4711-alive", "pytest"):
        (warning,) = gc.remove(context, found).warnings
    assert "a test run uses it again" in warning
    assert house.engine.containers


def test_gc_from_another_state_folder_asks_and_removes_the_state_of_the_instance(house: House) -> None:
    """As on a CI machine, where each job has its state in its checkout."""
    up(house.context())
    aged(house, 3)
    elsewhere = replace(house.context(), root=house.folder / "of-another-job")
    with locked(house.context().identity, "nexusdev up", root=house.context().root):
        assert gc.find_leftovers(elsewhere, data=True, instances=True, older_than="2h") == ()
    found = gc.find_leftovers(elsewhere, data=True, instances=True, older_than="2h")
    assert names(found) == ["instance shop with its data"]
    assert gc.find_leftovers(elsewhere, data=True, instances=True, older_than="4h") == ()
    assert gc.remove(elsewhere, found).warnings == ()
    assert not house.engine.volumes
    assert not (house.folder / "state" / "instances" / "shop").exists()
    up(house.context())


@pytest.mark.parametrize("use", [up, restart])
def test_every_use_counts_for_the_age(house: House, use: Callable[[Context], object]) -> None:
    up(house.context())
    aged(house, 3)
    use(house.context())
    assert gc.find_leftovers(house.context(), instances=True, older_than="2h") == ()
