"""What every runtime that exports and imports volumes owes to its callers."""

from __future__ import annotations

import contextlib
import io
import tarfile
from collections.abc import Iterator, Mapping

import pytest

from nexusdev.errors import IdentityMismatch, Locked, NotFound
from nexusdev.interfaces import VolumeArchive
from nexusdev.plan import Down
from tests.contract.bench import Bench


def packed(files: Mapping[str, bytes]) -> io.BytesIO:
    """A tar archive of files that belong to 12345 and that only their owner may read."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for folder in sorted({name.rpartition("/")[0] for name in files} - {""}):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o700, 12345, 12345
            archive.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(data), 0o600, 12345, 12345
            archive.addfile(entry, io.BytesIO(data))
    return io.BytesIO(stream.getvalue())


def exported(volumes: VolumeArchive) -> io.BytesIO:
    stream = io.BytesIO()
    volumes.export("store-0", stream)
    return io.BytesIO(stream.getvalue())


def files_of(stream: io.BytesIO) -> dict[str, bytes]:
    """Name → content of the files of an archive."""
    with tarfile.open(fileobj=stream) as archive:
        found = {each.name: archive.extractfile(each) for each in archive if each.isfile()}
        return {name.removeprefix("./"): file.read() for name, file in found.items() if file}


def test_a_new_volume_exports_an_empty_archive(volumes: VolumeArchive) -> None:
    assert files_of(exported(volumes)) == {}


def test_an_import_survives_an_export(volumes: VolumeArchive) -> None:
    files = {"data.bin": bytes(range(256)) * 4000, ".hidden": b"yes", "empty": b""}
    volumes.import_("store-0", packed(files))
    assert files_of(exported(volumes)) == files


def test_an_export_can_be_imported_again(volumes: VolumeArchive) -> None:
    volumes.import_("store-0", packed({"a": b"1", "b": b"2"}))
    first = exported(volumes)
    volumes.import_("store-0", first)
    assert files_of(exported(volumes)) == {"a": b"1", "b": b"2"}


def test_an_import_replaces_the_previous_content(volumes: VolumeArchive) -> None:
    volumes.import_("store-0", packed({"old": b"1", ".old": b"2", "..old": b"3", "both": b"4"}))
    volumes.import_("store-0", packed({"both": b"5"}))
    assert files_of(exported(volumes)) == {"both": b"5"}


def test_owners_and_modes_are_kept(volumes: VolumeArchive) -> None:
    volumes.import_("store-0", packed({"secret": b"1"}))
    with tarfile.open(fileobj=exported(volumes)) as archive:
        [entry] = [each for each in archive if each.isfile()]
    assert (entry.uid, entry.gid, entry.mode & 0o777) == (12345, 12345, 0o600)


def test_the_service_reads_what_was_imported(bench: Bench, volumes: VolumeArchive) -> None:
    if not bench.runs_commands:
        pytest.skip("no process reads a file in memory")
    volumes.import_("store-0", packed({"greeting": b"hello"}))
    bench.ask(bench.intent())
    assert bench.runtime().execute("store-0", ["cat", "/nexus-data/greeting"]).stdout == b"hello"


def test_importing_a_volume_in_use_is_refused(bench: Bench, volumes: VolumeArchive) -> None:
    volumes.import_("store-0", packed({"a": b"1"}))
    bench.ask(bench.intent())
    with pytest.raises(Locked, match="volume store-0 is in use") as raised:
        volumes.import_("store-0", packed({"b": b"2"}))
    assert "store-0" in raised.value.why
    assert files_of(exported(volumes)) == {"a": b"1"}


def test_importing_a_volume_used_by_a_foreign_container_is_refused(bench: Bench, volumes: VolumeArchive) -> None:
    bench.mount_elsewhere("store-0")
    with pytest.raises(Locked):
        volumes.import_("store-0", packed({"b": b"2"}))


def test_a_missing_volume_raises_not_found(bench: Bench, volumes: VolumeArchive) -> None:
    bench.ask(Down(volumes=True))
    for deed in (volumes.export, volumes.import_):
        with pytest.raises(NotFound, match="volume store-0 does not exist"):
            deed("store-0", packed({}))


def test_an_unknown_volume_name_raises_not_found(volumes: VolumeArchive) -> None:
    with pytest.raises(NotFound, match="volume other does not exist"):
        volumes.export("other", io.BytesIO())


def test_a_foreign_volume_of_the_same_name_is_left_alone(bench: Bench, volumes: VolumeArchive) -> None:
    bench.ask(Down(volumes=True))
    bench.add_foreign_volume("store-0")
    for deed in (volumes.export, volumes.import_):
        with pytest.raises(IdentityMismatch) as raised:
            deed("store-0", packed({}))
        assert raised.value.code == "FOREIGN_VOLUME"


def test_nothing_is_left_behind(bench: Bench, volumes: VolumeArchive) -> None:
    before = bench.runtime().observe().objects
    volumes.import_("store-0", packed({"a": b"1"}))
    exported(volumes)
    assert bench.runtime().observe().objects == before


def copied(volumes: VolumeArchive, changes: contextlib.AbstractContextManager[object]) -> dict[str, bytes]:
    """The files of a copy that is made while ``changes`` happen at the beginning of its hold."""
    stream = io.BytesIO()
    with volumes.copy(["store-0"], hold=lambda: changes) as copy:
        copy.export("store-0", stream)
    return files_of(io.BytesIO(stream.getvalue()))


def test_a_copy_has_the_same_files(volumes: VolumeArchive) -> None:
    files = {"data.bin": bytes(range(256)) * 4000, ".hidden": b"yes", "a folder/new\nline": b"1"}
    volumes.import_("store-0", packed(files))
    assert copied(volumes, contextlib.nullcontext()) == files
    assert files_of(exported(volumes)) == files


def test_a_copy_is_of_the_moment_at_which_writes_are_held(bench: Bench, volumes: VolumeArchive) -> None:
    if not bench.runs_commands:
        pytest.skip("nothing writes to a volume in memory")
    names = ("kept", "changed", "removed", "folder/inner", "moved/inner")
    volumes.import_("store-0", packed(dict.fromkeys(names, b"old")))
    bench.ask(bench.intent())
    script = "cd /nexus-data && echo -n new >changed && rm removed && mv moved/inner other && rmdir moved && echo -n 1 >added"

    @contextlib.contextmanager
    def hold() -> Iterator[None]:
        done = bench.runtime().execute("store-0", ["sh", "-c", script])
        assert done.exit_code == 0, done.stderr
        yield

    expected = {"kept": b"old", "changed": b"new", "folder/inner": b"old", "other": b"old", "added": b"1"}
    assert copied(volumes, hold()) == expected


def test_a_copy_needs_existing_volumes(volumes: VolumeArchive) -> None:
    with pytest.raises(NotFound), volumes.copy(["store-9"], hold=contextlib.nullcontext):
        pass


def test_a_volume_that_exists_stays_when_it_is_created(volumes: VolumeArchive) -> None:
    volumes.import_("store-0", packed({"a": b"1"}))
    volumes.create("store-0")
    assert files_of(exported(volumes)) == {"a": b"1"}


def test_there_is_room_for_more(volumes: VolumeArchive) -> None:
    assert volumes.free("store-0") > 0
