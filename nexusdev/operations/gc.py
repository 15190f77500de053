"""gc: removes containers of instances whose project folder is gone or that a killed test run brought up, left-over containers of ``run --in``,
old images and the build cache.

Data and secrets are only removed with an explicit option (``data``). A running instance is never removed, even if its folder is gone, unless
an age is given (``older_than``): on a CI machine the instances of dead jobs still run. One that a killed test run brought up is removed: it would
have been taken down by that run. Instances of other users are left alone.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.deploy import other_engine
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.errors import Locked, NexusError, UsageError
from nexusdev.instance import state
from nexusdev.instance.identity import Identity, require_owner
from nexusdev.instance.instance import forget, locked
from nexusdev.instance.paths import locks
from nexusdev.instance.run_claims import Claims
from nexusdev.instance.state_elsewhere import is_anothers
from nexusdev.interfaces import Runtime
from nexusdev.inventory import Inventory
from nexusdev.operations import ls
from nexusdev.operations.lease_desk import LeaseDesk, open_desk, title
from nexusdev.operations.run_in import lock_file
from nexusdev.plan import Down, Observation, RemoveOneOffs
from nexusdev.results import Result
from nexusdev.runtimes.image_store import IMAGE_LABEL, StoredImage
from nexusdev.util import durations, lock
from nexusdev.util.humanize import duration_ago, file_size, pluralize

GC = "nexusdev gc"
_MEGA = 1_000_000


class Leftover(Struct, frozen=True, kw_only=True):
    """A resource that ``gc`` can remove.

    Attributes:
        kind: instance, data, container, lease, state folder, image, build cache; data: an instance with its volumes and its secrets.
        instance: The instance of a container that ``run --in`` left behind.
        objects: Printable names of all resources that are removed, except volumes.
        volumes: Full names of the volumes that are removed.
        sizes: Volume → bytes, as far as the runtime reports them.
        used: Time of the last use, in seconds since the epoch; 0.0 if unknown.
        by_age: It is removed because of its last use, whether its project folder exists or not.
        of_run: It is removed because a test run that was killed brought it up.
    """

    kind: str
    name: str
    reason: str
    owner: str = ""
    instance: str = ""
    objects: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    sizes: Mapping[str, int] = {}
    used: float = 0.0
    by_age: bool = False
    of_run: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.kind != "data" else f"instance {self.name} with its data"

    def lines(self) -> Iterator[str]:
        """Yield a line for each volume with its size."""
        for name in sorted(self.volumes):
            yield f"volume {name}  {_size_words(self.sizes.get(name))}"


def _size_words(size: int | None) -> str:
    if size is None:
        return "unknown size"
    return file_size(size) if size >= _MEGA else "less than 1 MB"


class LeftoversResult(Result, frozen=True, kw_only=True):
    """The resources that ``gc`` would remove."""

    leftovers: tuple[Leftover, ...]


class GcResult(Result, frozen=True, kw_only=True):
    """The resources that ``gc`` removed; ``warnings`` names those that could not be removed."""

    removed: tuple[Leftover, ...]


def find_leftovers(
    context: Context, *, data: bool = False, instances: bool = False, older_than: str | None = None
) -> tuple[Leftover, ...]:
    """Return the resources that can be removed. Removes nothing.

    Args:
        context: The context of the command.
        data: Include the volumes and secrets of the instances.
        instances: Only instances, no images and no build cache.
        older_than: A duration; only with ``instances``. Select the instances whose last use is at least this long ago, including running
            ones and those whose project folder exists, instead of those whose project folder is gone.

    Raises:
        UsageError: ``older_than`` is not a duration, or is used without ``instances``.
        PreflightFailed: The engine does not answer.
    """
    age = _age(older_than, instances)
    inventory = context.provider.inventory(caches=True)
    chosen = _unused(context, inventory) if age is None else _aged(context, inventory, age)
    orphans = _with_data(context, chosen) if data else _without_data(context, chosen)
    if instances:
        return tuple(orphans)
    images = context.images()
    return (
        *orphans,
        *_expired_leases(context),
        *_fragments(inventory, context.root),
        *left_containers(inventory, context.root),
        *old_images(images.store.list(), inventory.images_in_use, images.references),
        *(
            Leftover(kind="build cache", name=name, reason="only used by image builds")
            for name in inventory.build_caches
        ),
    )


def _age(older_than: str | None, instances: bool) -> float | None:
    """Return the value of ``--older-than`` in seconds."""
    if older_than is None:
        return None
    if not instances:
        raise UsageError("--older-than needs --instances", hint=f"nexusdev gc --instances --older-than {older_than}")
    try:
        return durations.parse_with_units(older_than)
    except ValueError:
        raise UsageError(
            f"invalid time for --older-than: {older_than}", hint="nexusdev gc --instances --older-than 2h"
        ) from None


def question(leftovers: Sequence[Leftover]) -> str:
    """Return the confirmation prompt, with every name."""
    lines = "\n".join(f"  {line}" for each in leftovers for line in _listed(each))
    return f"{lines}\nremove {'this' if len(leftovers) == 1 else f'these {len(leftovers)}'}?"


def _listed(leftover: Leftover) -> Iterator[str]:
    yield f"{leftover}: {leftover.reason}"
    yield from (f"  {line}" for line in leftover.lines())


def preview(context: Context, leftovers: Sequence[Leftover]) -> LeftoversResult:
    """Return the resources that ``remove`` would remove."""
    return LeftoversResult(instance=context.identity.name, leftovers=tuple(leftovers))


def remove(context: Context, leftovers: Sequence[Leftover]) -> GcResult:
    """Remove the resources one by one. A resource that cannot be removed causes a warning and is kept."""
    removed, warnings = [], []
    _sweep_locks(context)
    for each in leftovers:
        try:
            _remove(context, each)
        except NexusError as error:
            warnings.append(f"{each} was not removed: {error.message}" + (f" ({error.why})" if error.why else ""))
        else:
            removed.append(each)
    return GcResult(instance=context.identity.name, removed=tuple(removed), warnings=tuple(warnings))


def old_images(stored: Sequence[StoredImage], in_use: frozenset[str], current: Mapping[str, str]) -> Iterator[Leftover]:
    """Yield the tags of nexusdev that the current lockfile does not name and whose images no container uses.

    Args:
        stored: The images in the store.
        in_use: Ids of the images that containers use.
        current: Lockfile name → current reference.
    """
    kept = set(current.values())
    for image in stored:
        for tag in image.tags:
            if (
                IMAGE_LABEL in image.labels
                and tag not in kept
                and not tag.endswith(":local")
                and image.id not in in_use
            ):
                yield Leftover(kind="image", name=tag, reason="not used by this version of nexusdev")


class _Chosen(Struct, frozen=True, kw_only=True):
    """An instance to remove, and why.

    Attributes:
        row: The instance.
        reason: Why it is removed.
        by_age: As in ``Leftover``.
        of_run: As in ``Leftover``.
        keeps_data: Its data is never removed: it existed before the test run.
    """

    row: ls.InstanceRow
    reason: str
    by_age: bool = False
    of_run: bool = False
    keeps_data: bool = False


def _unused(context: Context, inventory: Inventory) -> Iterator[_Chosen]:
    """Yield the unused instances whose project folder certainly no longer exists, and those that killed test runs brought up."""
    claims = Claims(root=context.root)
    abandoned = claims.abandoned()
    for row in _rows(context, inventory):
        if row.idle_for_good:
            yield _Chosen(row=row, reason=f"its project folder {row.project} is gone")
        elif row.name in abandoned and not row.busy:
            claim = claims.read(row.name)
            reason = "brought up by a test run that was killed (pytest --nexus=up)"
            yield _Chosen(row=row, reason=reason, of_run=True, keeps_data=claim is None or not claim.created)


def _aged(context: Context, inventory: Inventory, older_than: float) -> Iterator[_Chosen]:
    """Yield the instances whose last use is long enough ago and that no command has locked. Instances of unknown age are kept."""
    for row in _rows(context, inventory):
        age = time.time() - row.used
        if row.used and age >= older_than and not row.busy:
            running = ", running" if row.alive else ""
            yield _Chosen(row=row, reason=f"last used {duration_ago(age)} ago{running}, of {row.project}", by_age=True)


def _rows(context: Context, inventory: Inventory) -> Iterator[ls.InstanceRow]:
    # this inventory does not contain the instances of other runtimes
    elsewhere = {each.name for each in state.records(context.root) if each.runtime != context.settings.runtime}
    rows = ls.rows(inventory, context.root)
    return (row for row in rows if row.name not in elsewhere and not is_anothers(row.state_path))


def _without_data(context: Context, chosen: Iterator[_Chosen]) -> Iterator[Leftover]:
    """Yield the resources of the instances except data. An instance that only has data has none."""
    for each in chosen:
        row = each.row
        if objects := _observed(context, row.name, row.project).objects:
            kept = f"; its {pluralize(row.volumes, 'volume')} and data are kept" if row.volumes else ""
            yield Leftover(
                kind="instance",
                name=row.name,
                reason=f"{each.reason}{kept}",
                owner=row.project,
                objects=objects,
                used=row.used,
                by_age=each.by_age,
                of_run=each.of_run,
            )


def _with_data(context: Context, chosen: Iterator[_Chosen]) -> Iterator[Leftover]:
    """Yield the instances with all that they have. Those of which only the state is here are kept if another engine has the rest."""
    instances = tuple(
        each for each in chosen if each.row.containers or each.row.volumes or not _is_elsewhere(context, each)
    )
    sizes = context.provider.volume_sizes() if any(each.row.volumes for each in instances) else {}
    yield from _without_data(context, (each for each in instances if each.keeps_data))
    for each in (each for each in instances if not each.keeps_data):
        row = each.row
        existing = _observed(context, row.name, row.project)
        last = f", last used {duration_ago(time.time() - row.used)} ago" if row.used and not each.by_age else ""
        yield Leftover(
            kind="data",
            name=row.name,
            reason=f"{each.reason}{last}",
            owner=row.project,
            objects=existing.objects,
            volumes=tuple(existing.volumes.values()),
            sizes=sizes,
            used=row.used,
            by_age=each.by_age,
            of_run=each.of_run,
        )


def _is_elsewhere(context: Context, chosen: _Chosen) -> bool:
    return other_engine.elsewhere(context, state.folder_of(context.root, chosen.row.name)) is not None


def left_containers(inventory: Inventory, root: Path) -> Iterator[Leftover]:
    """Yield the containers of ``run --in`` whose nexusdev process ended.

    A container without a lock file is skipped, because it may run under another state folder.
    """
    gone = {row.name for row in ls.rows(inventory, root) if row.gone}
    for instance, name in ((each, name) for each in inventory.instances.values() for name in each.one_offs):
        file = lock_file(state.folder_of(root, instance.name), name)
        if instance.name not in gone and file.exists() and not lock.is_held(file):
            yield Leftover(
                kind="container",
                name=name,
                reason="left over from a killed nexusdev run",
                owner=next(iter(instance.owners), ""),
                instance=instance.name,
            )


def _fragments(inventory: Inventory, root: Path) -> Iterator[Leftover]:
    """Yield state folders without a record, left by an ``up`` that was killed early. Invalid and newer records are skipped."""
    for folder in state.instances(root):
        if not (folder / "instance.json").exists() and not inventory.of(folder.name).objects:
            yield Leftover(
                kind="state folder", name=folder.name, reason="incomplete state of an instance that does not exist"
            )


def _expired_leases(context: Context) -> Iterator[Leftover]:
    """Yield the leases of this project's instance that have expired, or whose creation was interrupted."""
    with contextlib.suppress(NexusError):  # the instance does not exist, or belongs to another folder
        desk = _lease_desk(context)
        for each in desk.expired():
            why = "it has expired" if each.record.ready else "its creation was interrupted"
            yield Leftover(kind="lease", name=title(each), instance=context.identity.name, reason=why)


def _drop_lease(context: Context, name: str) -> None:
    with hold_lock(context, GC, shared=True, beside=lambda _: False):
        desk = _lease_desk(context)
        for each in desk.expired():
            if title(each) == name and not desk.drop(each, if_over=True):
                raise Locked("it is in use again")


def _lease_desk(context: Context) -> LeaseDesk:
    """Open the leases of this project's instance.

    Raises:
        IdentityMismatch, InvalidState: The instance belongs to another folder.
    """
    instance = context.instance()
    require_owner(context.identity, instance.owner, instance.place)
    return open_desk(context, instance, GC)


def _remove(context: Context, leftover: Leftover) -> None:
    match leftover.kind:
        case "lease":
            _drop_lease(context, leftover.name)
        case "image":
            context.images().store.untag(leftover.name)
        case "build cache":
            context.images().store.drop_volume(leftover.name)
        case "state folder":
            identity = Identity(name=leftover.name, project=context.root)
            with locked(identity, GC, root=context.root):
                forget(identity, root=context.root)
        case "container":
            _remove_one_off(context, leftover)
        case _:
            _remove_instance(context, leftover)


def _runtime(context: Context, instance: str, owner: str) -> Runtime:
    return context.provider.runtime(instance, owner=Path(owner))


def _observed(context: Context, instance: str, owner: str) -> Observation:
    return _runtime(context, instance, owner).observe()


def _remove_one_off(context: Context, leftover: Leftover) -> None:
    runtime = _runtime(context, leftover.instance, leftover.owner)
    for step in runtime.plan(RemoveOneOffs(names=(leftover.name,), reason=leftover.reason)).steps:
        runtime.apply(step)
    lock_file(state.folder_of(context.root, leftover.instance), leftover.name).unlink(missing_ok=True)


def _remove_instance(context: Context, leftover: Leftover) -> None:
    identity = Identity(name=leftover.name, project=Path(leftover.owner))
    with_data = leftover.kind == "data"
    # A job of a CI machine may have had its state in its checkout.
    told = next(iter(context.provider.inventory().of(leftover.name).state_paths), "")
    here = state.read_record(state.folder_of(context.root, leftover.name)) is not None
    root = context.root if here else ls.root_of(leftover.name, told, context.root)
    with _no_test_run(context, leftover), locked(identity, GC, root=root):
        _require_left_over(context, leftover)
        runtime = _runtime(context, leftover.name, leftover.owner)
        observation = runtime.observe()
        _require_listed(observation, leftover)
        for step in runtime.plan(Down(volumes=with_data, reason=leftover.reason, command="gc"), observation).steps:
            runtime.apply(step)
        if with_data:
            forget(identity, root=root)


@contextlib.contextmanager
def _no_test_run(context: Context, leftover: Leftover) -> Iterator[None]:
    """Let no test run bring the instance up meanwhile. The claim on it goes with the last thing that the killed run would have removed.

    Raises:
        Locked: A test run uses it again.
    """
    if not leftover.of_run:
        yield
        return
    claims = Claims(root=context.root)
    with claims.changing(leftover.name, GC, seconds=0.0):
        if leftover.name not in claims.abandoned():
            raise Locked("a test run uses it again, or its user has started it")
        claim = claims.read(leftover.name)
        yield
        if leftover.kind == "data" or (claim and not claim.created):
            claims.write(leftover.name, None)


def _require_left_over(context: Context, leftover: Leftover) -> None:
    """Raise Locked if the resource is in use again, or is no longer certain to be a leftover."""
    record = state.read_record(state.folder_of(context.root, leftover.name))
    row = ls.row(leftover.name, record, context.provider.inventory().of(leftover.name), context.root)
    if leftover.by_age:
        if row.used > leftover.used:
            raise Locked("it was used in the meantime")
        return
    if leftover.of_run:
        return
    if row.alive:
        raise Locked("it was started in the meantime")
    if not row.gone:
        raise Locked(f"its project folder {leftover.owner} is back" if row.folder == "here" else row.folder_words)


def _require_listed(observation: Observation, leftover: Leftover) -> None:
    """Raise Locked if more would be removed than was listed."""
    listed = {*leftover.objects, *(f"volume {name}" for name in leftover.volumes)}
    if more := [each for each in observation.left(volumes=leftover.kind == "data") if each not in listed]:
        raise Locked(f"{more[0]} was made meanwhile")


def _sweep_locks(context: Context) -> None:
    """Remove lock files of removed instances: a process that takes such a lock removes its file when it ends."""
    for name in locks(context.root):
        if not state.folder_of(context.root, name).is_dir():
            with contextlib.suppress(Locked), locked(Identity(name=name, project=Path()), GC, root=context.root):
                pass
