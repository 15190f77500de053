"""snapshot: save, list, show, export, rm and restore, with an engine in memory."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.errors import Degraded, InvalidState, NexusError, NotFound, PreflightFailed, UsageError
from nexusdev.events import Note
from nexusdev.faults import Fault
from nexusdev.instance import interruptions, snapshots
from nexusdev.operations.destroy import takes_snapshot
from nexusdev.operations.down import down
from nexusdev.operations.lifecycle import start
from nexusdev.operations.snapshot import export, list_snapshots, remove, save, show, store_of
from nexusdev.operations.snapshot_restore import question, restore
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.memory.faults import MemoryFaults
from nexusdev.runtimes.memory.volume_archive import MemoryVolumes
from tests.fakes import House, shown


def packed(**files: str) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.gid = len(text), 10001, 10001
            archive.addfile(entry, io.BytesIO(text.encode()))
    return content.getvalue()


def files_in(house: House, name: str = "shop") -> dict[str, str]:
    """What the volumes of an instance contain: file → content."""
    found = {}
    for full_name, volume in house.engine.volumes.items():
        if full_name.startswith(f"nexusdev-{name}_") and volume.archive:
            with tarfile.open(fileobj=io.BytesIO(volume.archive)) as archive:
                for entry in archive:
                    content = archive.extractfile(entry)
                    found[f"{volume.name}/{entry.name}"] = content.read().decode() if content else ""
    return found


def write(house: House, text: str, name: str = "shop") -> None:
    for full_name, volume in house.engine.volumes.items():
        if full_name.startswith(f"nexusdev-{name}_"):
            volume.archive = packed(data=text)


def secret(house: House, name: str = "shop") -> str:
    folder = house.folder / "state" / "instances" / name / "secrets"
    return next(each for each in sorted(folder.iterdir()) if not each.name.startswith(".")).read_text()


@pytest.fixture(autouse=True)
def _state_of_the_house(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that are typed find the state where the house has it."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(house.folder / "state"))


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    write(house, "old")
    return house


def test_a_snapshot_brings_data_and_secrets_back(running: House) -> None:
    before, password = files_in(running), secret(running)
    assert before
    save(running.context(), "monday")
    write(running, "new")
    folder = running.folder / "state" / "instances" / "shop" / "secrets"
    for each in folder.iterdir():
        each.write_text("another")
    result = restore(running.context(), "monday")
    assert (files_in(running), secret(running)) == (before, password)
    assert "restored snapshot monday" in str(shown(result).output)
    assert not up(running.context()).changed


def test_services_are_paused_during_the_copy_and_run_afterwards(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[Fault, str]] = []
    inject = MemoryFaults.inject

    def note(self: MemoryFaults, fault: Fault, *services: str) -> None:
        seen.extend((fault, each) for each in services)
        inject(self, fault, *services)

    monkeypatch.setattr(MemoryFaults, "inject", note)
    save(running.context(), "monday")
    paused = {name for fault, name in seen if fault is Fault.PAUSE}
    keeping = {each.service for each in running.engine.containers.values() if each.volumes}
    assert keeping <= paused
    assert paused == {name for fault, name in seen if fault is Fault.RESUME}
    assert {each.state for each in running.engine.containers.values()} == {State.RUNNING}


def test_an_instance_that_is_down_is_saved_without_a_hold(running: House) -> None:
    down(running.context())
    assert save(running.context(), "monday").snapshot.manifest.held == 0
    assert "nothing ran meanwhile" in str(shown(show(running.context(), "monday")).output)


def test_snapshots_outlive_the_instance(running: House) -> None:
    save(running.context(), "monday")
    before = files_in(running)
    assert running.type("destroy", "--yes", "--no-snapshot").status == 0
    assert [each.name for each in list_snapshots(running.context()).snapshots] == ["monday"]
    restore(running.context(), "monday")
    assert files_in(running) == before


def test_a_restored_instance_of_the_same_name_has_its_former_nonce_and_authority(running: House) -> None:
    save(running.context(), "monday")
    nonce, authority = running.record.nonce, (running.folder / "state/instances/shop/tls/ca.crt").read_bytes()
    running.type("destroy", "--yes", "--no-snapshot")
    restore(running.context(), "monday")
    assert running.record.nonce == nonce
    assert (running.folder / "state/instances/shop/tls/ca.crt").read_bytes() == authority


def test_another_instance_gets_the_data_and_keeps_its_own_authority(running: House, tmp_path: Path) -> None:
    save(running.context(), "monday")
    export(running.context(), "monday", tmp_path / "monday.tar")
    password, authority = secret(running), (running.folder / "state/instances/shop/tls/ca.crt").read_bytes()
    running.name = "copy"
    restore(running.context(), str(tmp_path / "monday.tar"))
    assert files_in(running, "copy") == files_in(running, "shop")
    assert secret(running, "copy") == password
    assert (running.folder / "state/instances/copy/tls/ca.crt").read_bytes() != authority


def test_files_get_the_owner_of_the_instance_that_they_are_restored_into(running: House, tmp_path: Path) -> None:
    save(running.context(), "monday")
    folder = store_of(running.context()).find("monday").folder
    manifest = snapshots.read_manifest(folder)
    for file in (folder / snapshots.MANIFEST, folder / snapshots.SUMS):
        file.unlink()
    snapshots.seal(folder, replace(manifest, uid=10001, gid=10001))
    restore(running.context(), "monday")
    with tarfile.open(fileobj=io.BytesIO(next(each.archive for each in running.engine.volumes.values()))) as archive:
        assert {(each.uid, each.gid) for each in archive} == {(running.record.uid, running.record.gid)}


def test_a_name_is_taken_only_once(running: House) -> None:
    save(running.context(), "monday")
    with pytest.raises(UsageError, match="there is already a snapshot monday") as refused:
        save(running.context(), "monday")
    assert refused.value.code == "SNAPSHOT_EXISTS"


def test_an_impossible_name_is_refused(running: House) -> None:
    with pytest.raises(UsageError, match="not a name for a snapshot"):
        save(running.context(), "../monday")


@pytest.mark.parametrize("act", [show, restore, lambda context, name: remove(context, [name])])
def test_an_unknown_snapshot_is_named_with_the_nearest_one(running: House, act: Callable[..., object]) -> None:
    save(running.context(), "monday")
    with pytest.raises(NotFound, match="has no snapshot mondy") as refused:
        act(running.context(), "mondy")
    assert refused.value.why == "did you mean monday?"


def test_there_is_nothing_to_save_without_data(house: House) -> None:
    with pytest.raises(NotFound):
        save(house.context(), "monday")


def test_a_stack_that_is_not_ready_is_not_saved(running: House) -> None:
    running.redis.sentences = ["one of 3 replicas"]
    with pytest.raises(Degraded, match="nothing was saved: redis is not ready"):
        save(running.context(), "monday")
    assert list_snapshots(running.context()).snapshots == ()


def test_without_room_for_the_copy_nothing_is_held_or_saved(running: House) -> None:
    running.engine.free = 10
    with pytest.raises(PreflightFailed, match="no room for a copy of the data volumes") as refused:
        save(running.context(), "monday")
    assert refused.value.code == "DISK_FULL"
    assert list_snapshots(running.context()).snapshots == ()


def test_without_room_for_the_data_nothing_is_restored(running: House) -> None:
    save(running.context(), "monday")
    write(running, "new")
    after = files_in(running)
    running.engine.free = 10
    with pytest.raises(PreflightFailed, match="no room for the data of snapshot monday"):
        restore(running.context(), "monday")
    assert files_in(running) == after
    assert not up(running.context()).changed


@pytest.mark.parametrize("name", [snapshots.STATE, snapshots.MANIFEST, snapshots.SUMS, "volumes"])
def test_a_damaged_snapshot_is_not_restored(running: House, name: str) -> None:
    save(running.context(), "monday")
    write(running, "new")
    after = files_in(running)
    file = store_of(running.context()).find("monday").folder / name
    file = next(file.iterdir()) if file.is_dir() else file
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(InvalidState) as refused:
        restore(running.context(), "monday")
    assert refused.value.code in {"SNAPSHOT_DAMAGED", "SNAPSHOT_VERSION"}
    assert files_in(running) == after
    assert not up(running.context()).changed


def test_a_missing_archive_is_damage(running: House) -> None:
    save(running.context(), "monday")
    next((store_of(running.context()).find("monday").folder / "volumes").iterdir()).unlink()
    with pytest.raises(InvalidState, match="snapshot monday is damaged") as refused:
        show(running.context(), "monday")
    assert "is missing" in refused.value.why


def test_a_snapshot_of_a_newer_nexusdev_is_refused(running: House) -> None:
    save(running.context(), "monday")
    file = store_of(running.context()).find("monday").folder / snapshots.MANIFEST
    file.write_text(file.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(InvalidState, match="saved by another version of nexusdev") as refused:
        restore(running.context(), "monday")
    assert refused.value.code == "SNAPSHOT_VERSION"


def test_a_snapshot_of_servers_of_another_major_version_is_refused(running: House) -> None:
    save(running.context(), "monday")
    lock = running.folder / "compose" / "images.lock.yaml"
    lock.write_text(lock.read_text().replace("version: 1", "version: 2").replace('version: "1"', 'version: "2"'))
    with pytest.raises(InvalidState, match="is of other versions") as refused:
        restore(running.context(), "monday")
    assert refused.value.code == "SNAPSHOT_VERSION"


def test_a_file_that_is_no_snapshot_is_refused(running: House, tmp_path: Path) -> None:
    file = tmp_path / "other.tar"
    file.write_bytes(packed(readme="hello"))
    with pytest.raises(InvalidState, match="is not an exported snapshot"):
        restore(running.context(), str(file))
    file.write_bytes(b"no tar at all")
    with pytest.raises(InvalidState, match="is not an exported snapshot"):
        restore(running.context(), str(file))


def test_a_file_with_a_path_that_leads_elsewhere_is_refused(running: House, tmp_path: Path) -> None:
    save(running.context(), "monday")
    export(running.context(), "monday", tmp_path / "monday.tar")
    remove(running.context(), ["monday"])
    with tarfile.open(tmp_path / "monday.tar", mode="a") as archive:
        archive.addfile(tarfile.TarInfo("monday/volumes/../../../../evil.tar.gz"))
    with pytest.raises(InvalidState) as refused:
        restore(running.context(), str(tmp_path / "monday.tar"))
    assert refused.value.code == "SNAPSHOT_DAMAGED"
    assert list_snapshots(running.context()).snapshots == ()


def test_a_truncated_file_is_refused_and_leaves_nothing(running: House, tmp_path: Path) -> None:
    save(running.context(), "monday")
    export(running.context(), "monday", tmp_path / "monday.tar")
    remove(running.context(), ["monday"])
    content = (tmp_path / "monday.tar").read_bytes()
    (tmp_path / "monday.tar").write_bytes(content.rstrip(b"\0")[:-700])
    with pytest.raises(InvalidState):
        restore(running.context(), str(tmp_path / "monday.tar"))
    assert list_snapshots(running.context()).snapshots == ()


def test_an_export_never_overwrites(running: House, tmp_path: Path) -> None:
    save(running.context(), "monday")
    export(running.context(), "monday", tmp_path / "monday.tar")
    assert (tmp_path / "monday.tar").stat().st_mode & 0o777 == 0o600
    with pytest.raises(UsageError, match="exists"):
        export(running.context(), "monday", tmp_path / "monday.tar")


class Killed(BaseException):
    """Stands for kill -9: nothing that handles errors may handle it."""


def test_a_save_that_is_killed_leaves_no_snapshot_and_the_next_command_says_so(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = running.folder / "state" / "snapshots" / "shop" / ".monday.partial"
    folder.mkdir(parents=True)
    (folder / "half").write_text("x")
    container = next(each for each in running.engine.containers.values() if each.volumes)
    container.state = State.PAUSED
    save(running.context(), "tuesday")
    notes = [each.text for each in running.heard.of(Note)]
    assert any("saving snapshot monday was interrupted" in each for each in notes)
    assert any("1 service that an interrupted command had paused run again" in each for each in notes)
    assert container.state is State.RUNNING
    assert [each.name for each in list_snapshots(running.context()).snapshots] == ["tuesday"]


def test_a_restore_that_is_killed_before_the_servers_stop_changes_nothing(
    running: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(running.context(), "monday")
    write(running, "new")
    after = files_in(running)
    with monkeypatch.context() as patched:
        patched.setattr(interruptions, "begin", _killing)
        with pytest.raises(Killed):
            restore(running.context(), "monday")
    assert files_in(running) == after
    assert not up(running.context()).changed


@pytest.mark.parametrize("volumes_done", [0, 1])
@pytest.mark.parametrize("point", ["import", "state", "end"])
def test_a_restore_that_is_killed_later_is_finished_by_the_same_command(
    running: House, monkeypatch: pytest.MonkeyPatch, point: str, volumes_done: int
) -> None:
    before, password = files_in(running), secret(running)
    save(running.context(), "monday")
    write(running, "new")
    with monkeypatch.context() as patched:
        if point == "import":
            patched.setattr(MemoryVolumes, "import_", _killing_after(volumes_done, MemoryVolumes.import_))
        elif point == "state":
            patched.setattr(snapshots, "unpack_state", _killing)
        else:
            patched.setattr(interruptions, "end", _killing)
        if point != "import" or volumes_done < len(before):
            with pytest.raises(Killed):
                restore(running.context(), "monday")
        else:
            return
    for command in (up, start):
        with pytest.raises(InvalidState, match="the restore of snapshot monday was interrupted") as refused:
            command(running.context())
        assert refused.value.hint.startswith("nexusdev snapshot restore")
    with pytest.raises(InvalidState):
        save(running.context(), "mixture")
    with pytest.raises(UsageError, match="snapshot monday is needed"):
        remove(running.context(), ["monday"])
    assert question(running.context(), "") is None
    result = restore(running.context())
    assert (result.finished, files_in(running), secret(running)) == (True, before, password)


def test_there_is_nothing_to_finish(running: House) -> None:
    with pytest.raises(UsageError, match="which snapshot"):
        restore(running.context())


def test_a_replaced_snapshot_is_the_old_or_the_new_one(running: House) -> None:
    save(running.context(), "monday")
    store = store_of(running.context())
    (store.home / "monday").rename(store.home / ".monday.old")
    store.tidy()
    assert store.names() == ("monday",)


def test_destroy_takes_a_snapshot_and_says_how_to_get_it_back(running: House) -> None:
    before = files_in(running)
    typed = running.type("destroy", "--yes", "--snapshot")
    assert (typed.status, "nexusdev snapshot restore before-destroy" in typed.out) == (0, True)
    restore(running.context(), "before-destroy")
    assert files_in(running) == before


def test_a_later_destroy_replaces_the_snapshot_of_the_one_before(running: House) -> None:
    running.type("destroy", "--yes", "--snapshot")
    up(running.context())
    write(running, "second")
    running.type("destroy", "--yes", "--snapshot")
    assert len(list_snapshots(running.context()).snapshots) == 1
    restore(running.context(), "before-destroy")
    assert set(files_in(running).values()) == {"second"}


def test_destroy_takes_one_by_default_but_not_in_ci(running: House) -> None:
    context = running.context()
    assert not takes_snapshot(context)
    assert takes_snapshot(context, asked=True)
    at_home = replace(context, environ={"PATH": ""})
    assert takes_snapshot(at_home)
    assert not takes_snapshot(at_home, asked=False)
    running.type("destroy", "--yes")
    assert list_snapshots(running.context()).snapshots == ()


def test_destroy_removes_nothing_if_the_snapshot_fails(running: House) -> None:
    running.engine.free = 1
    before = files_in(running)
    typed = running.type("destroy", "--yes", "--snapshot")
    assert (typed.status, "nexusdev destroy --no-snapshot" in typed.err) == (12, True)
    assert files_in(running) == before


def _killing(*_: object, **__: object) -> None:
    raise Killed


def _killing_after(number: int, real: Callable[..., None]) -> Callable[..., None]:
    lock = threading.Lock()
    done: list[object] = []

    def replaced(*arguments: object) -> None:
        with lock:
            if len(done) >= number:
                raise Killed
            done.append(arguments)
        real(*arguments)

    return replaced


def test_every_error_says_what_to_type(running: House) -> None:
    for act in (lambda: show(running.context(), "none"), lambda: save(running.context(), "?")):
        with pytest.raises(NexusError) as refused:
            act()
        assert refused.value.hint
