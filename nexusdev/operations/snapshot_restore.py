"""snapshot restore: replaces the data of an instance by a snapshot of it, of another instance, or of another machine.

Until the servers are stopped, nothing is changed. From then on the snapshot is what the instance becomes: a record says so, all
commands that would use the data refuse, and ``nexusdev snapshot restore`` begins again from the stored snapshot. So an interruption
leaves the old or the new data, never a mixture.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.last_up import LastUp
from nexusdev.deploy.placement_guard import guarded_placement
from nexusdev.deploy.prepare import prepare_up
from nexusdev.deploy.teardown import take_down
from nexusdev.env import stored
from nexusdev.errors import InvalidState, NotFound, PreflightFailed, UsageError
from nexusdev.instance import interruptions, snapshots, state
from nexusdev.instance.instance import Instance, find
from nexusdev.instance.interruptions import UnfinishedChange
from nexusdev.instance.paths import folder_of
from nexusdev.instance.snapshots import DataSnapshot
from nexusdev.interfaces import VolumeArchive
from nexusdev.operations.snapshot import store_of, tell, versions
from nexusdev.operations.up import up
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.util.humanize import join_names, pluralize, si
from nexusdev.util.parallel import together

_STREAMS = 2
_UNPACKED = ".restored"


class SnapshotRestoreResult(Result, frozen=True, kw_only=True):
    """The snapshot that the instance was put back to.

    Attributes:
        ready: The components that are ready again.
        finished: Whether it finished a restore that had been interrupted.
        seconds: Duration, in seconds.
    """

    snapshot: DataSnapshot
    ready: tuple[str, ...]
    finished: bool
    seconds: float


class _RestoredInstance(Struct, frozen=True, kw_only=True):
    """The instance that gets the data."""

    instance: Instance
    stack: Stack
    archive: VolumeArchive


def question(context: Context, source: str) -> str | None:
    """Return the confirmation prompt; None if the instance has no data to lose, or if an interrupted restore is finished.

    Raises:
        NotFound: There is no such snapshot, or no restore to finish.
    """
    snapshot, finishing = _chosen(context, source)
    if finishing or not context.runtime().observe().volumes:
        return None
    return f"restore {context.identity.name}: replace all its data by snapshot {snapshot.name}?"


def restore(context: Context, source: str = "") -> SnapshotRestoreResult:
    """Replace all data of the instance, and start it.

    Args:
        context: The context of the command.
        source: The name of a snapshot, or an exported file; '' to finish a restore that was interrupted.

    Raises:
        NotFound: There is no such snapshot or file.
        InvalidState: It is damaged (SNAPSHOT_DAMAGED), or of versions that do not fit (SNAPSHOT_VERSION); nothing was changed.
        PreflightFailed: There is not enough room; nothing was changed.
        Locked: Another command works on the instance.
    """
    began = context.clock.now()
    with hold_lock(context, "nexusdev snapshot restore"):
        snapshot, finishing = _chosen(context, source)
        snapshots.verify(snapshot.folder)
        warnings = _require_fitting(context, snapshot)
        target = _target(context)
        _require_volumes(target, snapshot)
        _require_room(target, snapshot)
        _replace(context, target, snapshot)
    result = up(context, [name for name in snapshot.manifest.components if name in context.components])
    return SnapshotRestoreResult(
        instance=context.identity.name,
        snapshot=snapshot,
        ready=result.ready,
        finished=finishing,
        seconds=context.clock.now() - began,
        warnings=(*warnings, *result.warnings),
    )


def _chosen(context: Context, source: str) -> tuple[DataSnapshot, bool]:
    """Return the snapshot, and whether an interrupted restore of it is finished. An exported file is put into the store first."""
    store = store_of(context)
    unfinished = interruptions.read(folder_of(context.root, context.identity.name))
    if not source:
        if unfinished is None or unfinished.kind != "restore":
            raise UsageError(
                "which snapshot?",
                why="no restore was interrupted, so there is none to finish",
                hint="nexusdev snapshot list",
            )
        return store.find(Path(unfinished.subject).name), True
    if "/" in source or source.endswith(".tar") or (source not in store.names() and Path(source).is_file()):
        return snapshots.import_file(store, Path(source)), False
    return store.find(source), False


def _require_fitting(context: Context, snapshot: DataSnapshot) -> tuple[str, ...]:
    """Compare the versions of the images. Returns warnings about those that differ a little.

    Raises:
        InvalidState: A server has another major version: it could not read the files, or would change them for good.
    """
    ours, saved = versions(context), snapshot.manifest.images
    differing = {name: (saved[name], ours[name]) for name in saved if name in ours and saved[name] != ours[name]}
    wrong = [f"{name} {old}, now {new}" for name, (old, new) in differing.items() if _major(old) != _major(new)]
    if wrong:
        raise InvalidState(
            f"snapshot {snapshot.name} is of other versions: {join_names(wrong)}",
            why=f"it was saved by nexusdev {snapshot.manifest.nexusdev}; servers of another major version do not read these files",
            hint=f"pipx install nexusdev=={snapshot.manifest.nexusdev}   use the version that saved it, and export the data from there",
            code="SNAPSHOT_VERSION",
        )
    return tuple(
        f"{name} was {old} when the snapshot was saved, and is {new} now" for name, (old, new) in differing.items()
    )


def _major(version: str) -> str:
    return version.partition(".")[0]


def _target(context: Context) -> _RestoredInstance:
    """Return the instance, which is made if it does not exist."""
    try:
        instance = find(context.identity, root=context.root)
        if not instance.is_provided:
            raise NotFound("it was never provided")
    except NotFound:
        with guarded_placement(folder_of(context.root, context.identity.name), context.claim_block) as guard:
            instance = prepare_up(context, (), move_ports=False, claim=guard.claim).instance
    stack = context.stack(instance)
    archive = context.runtime(stack).volumes
    if archive is None:
        raise UsageError(f"the runtime {context.settings.runtime} cannot import data volumes")
    return _RestoredInstance(instance=instance, stack=stack, archive=archive)


def _require_volumes(target: _RestoredInstance, snapshot: DataSnapshot) -> None:
    if unknown := [name for name in snapshot.manifest.volumes if name not in target.stack.volumes]:
        raise InvalidState(
            f"snapshot {snapshot.name} has data that the stack has no place for: {join_names(unknown)}",
            why="the project's own services, or the stack of this version, have other volumes",
            code="SNAPSHOT_VERSION",
        )


def _require_room(target: _RestoredInstance, snapshot: DataSnapshot) -> None:
    """Create the volumes that are missing, and ask for room where they are."""
    volumes = snapshot.manifest.volumes
    for name in volumes:
        target.archive.create(name)
    needed, free = sum(each.size for each in volumes.values()), target.archive.free(next(iter(volumes)))
    if needed > free:
        raise PreflightFailed(
            f"there is no room for the data of snapshot {snapshot.name}",
            why=f"{si(needed)}B are needed where the volumes are, and {si(free)}B are free; nothing was changed",
            hint="nexusdev gc   remove what is not needed any more",
            code="DISK_FULL",
        )


def _replace(context: Context, target: _RestoredInstance, snapshot: DataSnapshot) -> None:
    """Stop the servers and replace the data. After an interruption it is done again from the beginning."""
    folder = target.instance.folder
    interruptions.begin(folder, UnfinishedChange(kind="restore", subject=str(snapshot.folder)))
    stored.forget(folder)
    take_down(context, volumes=False)
    context.provider.provide(target.stack, {}, partial(tell, context))
    volumes = snapshot.manifest.volumes
    tell(context, f"restoring {pluralize(len(volumes), 'volume')}")
    together({name: partial(_import, target, snapshot, name) for name in volumes}, limit=_STREAMS)
    _restore_state(target.instance, snapshot)
    interruptions.end(folder)


def _import(target: _RestoredInstance, snapshot: DataSnapshot, volume: str) -> None:
    manifest, instance = snapshot.manifest, target.instance
    with snapshots.open_archive(snapshot.folder / snapshots.VOLUMES / f"{volume}.tar.gz") as archive:
        if (manifest.uid, manifest.gid) == (instance.uid, instance.gid):
            target.archive.import_(volume, archive)
            return
        owners = {manifest.uid: instance.uid}, {manifest.gid: instance.gid}
        with _with_owners(archive, *owners) as changed:
            target.archive.import_(volume, changed)


@contextlib.contextmanager
def _with_owners(archive: IO[bytes], users: dict[int, int], groups: dict[int, int]) -> Iterator[IO[bytes]]:
    """Yield the same tar archive with other owners: containers of another machine run as another user."""
    read_end, write_end = os.pipe()
    failed: list[BaseException] = []

    def copy() -> None:
        try:
            with (
                os.fdopen(write_end, "wb") as target,
                tarfile.open(fileobj=archive, mode="r|") as source,
                tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as changed,
            ):
                for entry in source:
                    entry.uid, entry.gid = users.get(entry.uid, entry.uid), groups.get(entry.gid, entry.gid)
                    entry.uname = entry.gname = ""
                    changed.addfile(entry, source.extractfile(entry) if entry.isreg() else None)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=copy, name="owners", daemon=True)
    thread.start()
    try:
        with os.fdopen(read_end, "rb") as stream:
            yield stream
    finally:
        thread.join()
    if failed:
        raise failed[0]


def _restore_state(instance: Instance, snapshot: DataSnapshot) -> None:
    """Replace secrets and leases. The certificates and the nonce come back too, unless the snapshot is of an instance with another name.

    Two instances with one CA could not be told apart by their clients.
    """
    folder, unpacked = instance.folder, instance.folder / _UNPACKED
    shutil.rmtree(unpacked, ignore_errors=True)
    manifest = snapshot.manifest
    owner = (instance.uid, instance.gid)
    snapshots.unpack_state(snapshot.folder / snapshots.STATE, unpacked, saved_as=manifest.uid, owner=owner)
    same = manifest.instance == instance.name
    for name in snapshots.STATE_FOLDERS:
        if name == "tls" and not same:
            continue
        shutil.rmtree(folder / name, ignore_errors=True)
        if (unpacked / name).exists():
            (unpacked / name).rename(folder / name)
    shutil.rmtree(unpacked)
    last_up.write(folder, LastUp(profile=manifest.profile))  # what was seeded is no longer known
    record = state.read_record(folder)
    if record and same and record.nonce != manifest.nonce:
        state.write_record(folder, replace(record, nonce=manifest.nonce))
