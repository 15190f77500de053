"""snapshot save, list, show, export, rm: the data of a whole instance at one moment. ``snapshot_restore`` puts it back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path

from msgspec import Struct

from nexusdev import __version__
from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.hold import Hold, held_services, resume
from nexusdev.errors import Degraded, InvalidConfig, InvalidState, NexusError, NotFound, UsageError
from nexusdev.events import Note
from nexusdev.instance import interruptions, snapshots
from nexusdev.instance.instance import Instance
from nexusdev.instance.paths import folder_of
from nexusdev.instance.snapshots import ArchiveWriter, DataSnapshot, SavedVolume, SnapshotManifest, SnapshotStore
from nexusdev.interfaces import Runtime, VolumeArchive, VolumeCopy
from nexusdev.plan import Observation
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.status.probes import ProbeRunner
from nexusdev.util.humanize import duration, pluralize, si
from nexusdev.util.parallel import together

#: The snapshot that ``destroy`` takes. A later one replaces it.
BEFORE_DESTROY = "before-destroy"
_STREAMS = 2


class SnapshotSaveResult(Result, frozen=True, kw_only=True):
    """A snapshot that was saved. ``seconds``: duration of the command."""

    snapshot: DataSnapshot
    seconds: float


class SnapshotListResult(Result, frozen=True, kw_only=True):
    """All snapshots of the instance, oldest first."""

    snapshots: tuple[DataSnapshot, ...]


class SnapshotShowResult(Result, frozen=True, kw_only=True):
    """A snapshot, whose checksums are right. ``folder``: where it is."""

    snapshot: DataSnapshot


class SnapshotExportResult(Result, frozen=True, kw_only=True):
    """The file that a snapshot was exported to. ``size``: in bytes."""

    snapshot: DataSnapshot
    file: Path
    size: int


class SnapshotRemoveResult(Result, frozen=True, kw_only=True):
    """The snapshots that were removed."""

    removed: tuple[str, ...]


class _SavedInstance(Struct, frozen=True, kw_only=True):
    """What is saved, and from where."""

    instance: Instance
    stack: Stack
    runtime: Runtime
    archive: VolumeArchive
    observation: Observation


def save(context: Context, name: str) -> SnapshotSaveResult:
    """Save the data of the instance: all data volumes at one moment, secrets, certificates, leases.

    Writes are held for a moment, if services run. The archives are written afterwards.

    Args:
        context: The context of the command.
        name: The name of the new snapshot.

    Raises:
        UsageError: The name is taken, or is no name; or the runtime cannot copy volumes.
        NotFound: The instance has no data.
        Degraded: A component is not ready.
        InvalidState: A reset or a restore is not finished.
        PreflightFailed: There is not enough room; nothing was saved.
        Locked: Another command works on the instance.
    """
    store = store_of(context)
    store.require_free(name)
    with hold_lock(context, "nexusdev snapshot save"):
        return save_locked(context, store, name)


def save_locked(context: Context, store: SnapshotStore, name: str, *, check: bool = True) -> SnapshotSaveResult:
    """Save a snapshot while the caller holds the instance's lock.

    Args:
        context: The context of the command.
        store: The store.
        name: The name; a snapshot of this name is replaced.
        check: Whether all components that run must be ready.
    """
    began = context.clock.now()
    interruptions.require_none(folder_of(context.root, context.identity.name), "nexusdev save")
    source = _source(context)
    _recover(context, store, source)
    if check:
        _require_ready(context, source)
    held = _Held(context, source)
    with store.new(name) as folder:
        with source.archive.copy(tuple(source.observation.volumes), hold=held) as copy:
            tell(
                context,
                f"writes were held for {duration(held.seconds)}" if held.seconds else "nothing runs: no writes to hold",
            )
            snapshots.require_room(store.root, copy.size, f"snapshot {name}")
            volumes = _pack(context, copy, tuple(source.observation.volumes), folder / snapshots.VOLUMES)
            snapshots.pack_state(source.instance.folder, folder / snapshots.STATE)
        snapshots.seal(folder, _manifest(context, source, name, volumes, held.seconds))
    took = context.clock.now() - began
    return SnapshotSaveResult(instance=source.instance.name, snapshot=store.find(name), seconds=took)


def list_snapshots(context: Context) -> SnapshotListResult:
    """List the snapshots of the instance, which need not exist any more."""
    found, broken = store_of(context).all()
    return SnapshotListResult(instance=context.identity.name, snapshots=found, warnings=broken)


def show(context: Context, name: str) -> SnapshotShowResult:
    """Describe a snapshot, and compare all its checksums.

    Raises:
        NotFound: There is none of this name.
        InvalidState: It is damaged.
    """
    found = store_of(context).find(name)
    snapshots.verify(found.folder)
    return SnapshotShowResult(instance=context.identity.name, snapshot=found)


def export(context: Context, name: str, file: Path) -> SnapshotExportResult:
    """Write a snapshot to one file, for another instance or another machine.

    Raises:
        NotFound, InvalidState: As ``show``.
        UsageError: The file exists.
    """
    found = store_of(context).find(name)
    snapshots.verify(found.folder)
    snapshots.require_room(file.parent, found.size, str(file))
    size = snapshots.export(found, file)
    return SnapshotExportResult(
        instance=context.identity.name,
        snapshot=found,
        file=file,
        size=size,
        warnings=(f"{file} contains the secrets of the instance",),
    )


def remove(context: Context, names: Sequence[str]) -> SnapshotRemoveResult:
    """Remove snapshots, damaged ones too.

    Raises:
        NotFound: There is none of a name; nothing was removed.
    """
    store = store_of(context)
    with hold_lock(context, "nexusdev snapshot rm"):
        for name in names:
            if name not in store.names():
                store.find(name)  # raises
        unfinished = interruptions.read(folder_of(context.root, context.identity.name))
        for name in names:
            if unfinished and unfinished.kind == "restore" and Path(unfinished.subject).name == name:
                raise UsageError(
                    f"snapshot {name} is needed: its restore was interrupted",
                    hint="nexusdev snapshot restore   finish it",
                )
            store.remove(name)
    return SnapshotRemoveResult(instance=context.identity.name, removed=tuple(names))


def store_of(context: Context) -> SnapshotStore:
    """Return the snapshots of the instance that a command is for."""
    return SnapshotStore(root=context.root, instance=context.identity.name)


def tell(context: Context, text: str) -> None:
    """Report progress."""
    context.listener.tell(Note(text=text))


class _Held:
    """The hold of a stack, if it runs. ``seconds``: how long writes were held."""

    def __init__(self, context: Context, source: _SavedInstance) -> None:
        services = held_services(source.stack, source.observation)
        faults = source.runtime.faults
        self._hold = Hold(faults, services, now=time.monotonic) if faults and services else None
        self._context = context

    @property
    def seconds(self) -> float:
        return self._hold.seconds if self._hold else 0.0

    def __call__(self) -> AbstractContextManager[object]:
        return self._hold() if self._hold else nullcontext()


def _source(context: Context) -> _SavedInstance:
    instance = context.instance()
    stack = context.stack(instance)
    runtime = context.runtime(stack)
    observation = runtime.observe()
    if not observation.volumes:
        raise NotFound(f"instance {instance.name} has no data to save", hint="nexusdev up   create and start it")
    if runtime.volumes is None:
        raise UsageError(f"the runtime {context.settings.runtime} cannot copy data volumes")
    return _SavedInstance(
        instance=instance, stack=stack, runtime=runtime, archive=runtime.volumes, observation=observation
    )


def _recover(context: Context, store: SnapshotStore, source: _SavedInstance) -> None:
    """Say and mend what a killed ``snapshot save`` left."""
    if source.runtime.faults and (resumed := resume(source.runtime.faults, source.observation)):
        text = f"{pluralize(len(resumed), 'service')} that an interrupted command had paused run again"
        context.listener.tell(Note(text=text, warning=True))
    for name in store.tidy():
        text = f"saving snapshot {name} was interrupted: there is no such snapshot, and the data of the instance was not changed"
        context.listener.tell(Note(text=text, warning=True))


def _require_ready(context: Context, source: _SavedInstance) -> None:
    running = source.observation.running_components
    names = [name for name in source.stack.components if name in running]
    if not names:
        return
    access = source.instance.access(source.runtime, source.stack)
    found = ProbeRunner(access).begin(context.components[name] for name in names).results(names)
    if missing := [f"{name}: {each.readiness.missing}" for name, each in found.items() if not each.readiness.ready]:
        raise Degraded(
            f"nothing was saved: {missing[0].partition(':')[0]} is not ready",
            why="a snapshot of a broken stack would bring the trouble back",
            hint="nexusdev status   show what is wrong\nnexusdev up       repair it\n"
            "nexusdev stop     a stopped stack can be saved as it is",
            evidence=missing,
        )


def _pack(context: Context, copy: VolumeCopy, volumes: Sequence[str], folder: Path) -> Mapping[str, SavedVolume]:
    tell(context, f"compressing {pluralize(len(volumes), 'volume')} ({si(copy.size)}B)")

    def pack(volume: str) -> SavedVolume:
        writer = ArchiveWriter(folder / f"{volume}.tar.gz")
        copy.export(volume, writer)  # type: ignore[arg-type]  # only write is used
        return writer.close()

    return together({volume: partial(pack, volume) for volume in volumes}, limit=_STREAMS)


def _manifest(
    context: Context, source: _SavedInstance, name: str, volumes: Mapping[str, SavedVolume], held: float
) -> SnapshotManifest:
    instance = source.instance
    return SnapshotManifest(
        name=name,
        instance=instance.name,
        created=time.time(),
        nexusdev=__version__,
        runtime=context.settings.runtime,
        nonce=instance.nonce,
        uid=instance.uid,
        gid=instance.gid,
        held=held,
        images=versions(context),
        volumes=volumes,
        profile=last_up.read(instance.folder).profile,
        components=tuple(name for name in source.stack.components if name in source.observation.components),
    )


def versions(context: Context) -> Mapping[str, str]:
    """Return the version of each image of the stack."""
    lock = context.images().lock
    return {name: lock.images[name].version for name in lock.runnable}


def before_destroy(context: Context) -> DataSnapshot | None:
    """Save what ``destroy`` is about to remove. The caller holds the lock.

    Returns:
        The snapshot; None if there is nothing that is worth it: no data, or a state that cannot be read, without which data is useless.

    Raises:
        InvalidState: The snapshot failed (SNAPSHOT_FAILED), with its cause and with how to destroy without it.
    """
    try:
        interruptions.require_none(folder_of(context.root, context.identity.name), "nexusdev save")
        _source(context)
    except NotFound:
        return None
    except (InvalidConfig, UsageError) as error:
        context.listener.tell(Note(text=f"no snapshot is taken: {error.message}", warning=True))
        return None
    try:
        return save_locked(context, store_of(context), BEFORE_DESTROY, check=False).snapshot
    except NexusError as error:
        raise InvalidState(
            f"nothing was destroyed, because the snapshot before it failed: {error.message}",
            why=error.why,
            hint="nexusdev destroy --no-snapshot   destroy without it",
            evidence=error.evidence,
            code="SNAPSHOT_FAILED",
        ) from error
