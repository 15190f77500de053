"""gc: removes containers of instances whose project folder is gone, left-over containers of ``run --in``, old images and the build cache.

Data and secrets need a word of their own (``data``). An instance that runs is never touched, whatever became of its folder.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.errors import Locked, NexusError
from nexusdev.instance import state
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import forget, locked
from nexusdev.instance.paths import locks
from nexusdev.operations import ls
from nexusdev.operations.images import size as told_size
from nexusdev.operations.run_in import lock_file
from nexusdev.plan.inventory import EngineInventory, OwnedResource
from nexusdev.plan.ownership import refuse_strangers
from nexusdev.plan.planner import plan_down
from nexusdev.plan.steps import Action, Step
from nexusdev.results import Outcome, Table
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.util import lock
from nexusdev.util.humanize import duration_ago, pluralize

GC = "nexusdev gc"
_MEGA = 1_000_000
IMAGE_LABEL = "dev.nexus.image"
_ORDER = {"container": Action.REMOVE, "network": Action.REMOVE_NETWORK, "volume": Action.REMOVE_VOLUME}


class Leftover(Struct, frozen=True, kw_only=True):
    """Something to remove.

    kind   instance, data, container, state folder, image, build cache; data: an instance with its volumes and its secrets
    sizes  volume → bytes, as far as the engine tells
    used   when it was last used, in seconds since the epoch; 0.0 where that is not known
    """

    kind: str
    name: str
    reason: str
    owner: str = ""
    things: tuple[OwnedResource, ...] = ()
    sizes: Mapping[str, int] = {}
    used: float = 0.0

    def __str__(self) -> str:
        return f"{self.kind} {self.name}" if self.kind != "data" else f"instance {self.name} with its data"

    def lines(self) -> Iterator[str]:
        """Each volume with its size."""
        for name in sorted(each.name for each in self.things if each.kind == "volume" and self.kind == "data"):
            yield f"volume {name}  {_size_words(self.sizes.get(name))}"


def _size_words(size: int | None) -> str:
    if size is None:
        return "size not known"
    return told_size(size) if size >= _MEGA else "less than 1 MB"


def find_leftovers(context: Context, *, data: bool = False) -> tuple[Leftover, ...]:
    """What could go. Removes nothing. PreflightFailed without an engine: what it holds must be known.

    Args:
        data: Volumes and secrets of instances whose project folder is gone as well.
    """
    inventory = context.provider.inventory(caches=True)
    images = context.images()
    orphans = _orphans(inventory, context.root) if not data else _data_of_orphans(context, inventory)
    return (
        *orphans,
        *_fragments(inventory, context.root),
        *left_containers(inventory, context.root),
        *old_images(images.store.list(), inventory.in_use, images.references),
        *(Leftover(kind="build cache", name=name, reason="only image builds need it") for name in inventory.caches),
    )


def question(leftovers: Sequence[Leftover]) -> str:
    """What to ask before, with every name."""
    lines = "\n".join(f"  {line}" for each in leftovers for line in _listed(each))
    return f"{lines}\nremove {'this' if len(leftovers) == 1 else f'these {len(leftovers)}'}?"


def _listed(leftover: Leftover) -> Iterator[str]:
    yield f"{leftover}: {leftover.reason}"
    yield from (f"  {line}" for line in leftover.lines())


def preview(context: Context, leftovers: Sequence[Leftover]) -> Outcome:
    """What ``remove`` would remove."""
    table = Table(columns=("would go", "because"), rows=tuple(_rows(leftovers)))
    output = (table,) if leftovers else ("nothing is left over",)
    return Outcome(data={"leftovers": _data(leftovers)}, output=output, instance=context.identity.name)


def _rows(leftovers: Sequence[Leftover]) -> Iterator[tuple[str, str]]:
    for each in leftovers:
        yield str(each), each.reason
        yield from (("", line) for line in each.lines())


def _data(leftovers: Sequence[Leftover]) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "name": each.name,
            "because": each.reason,
            "volumes": {
                thing.name: each.sizes.get(thing.name)
                for thing in each.things
                if thing.kind == "volume" and each.kind == "data"
            },
            "used": each.used,
        }
        for each in leftovers
    ]


def remove(context: Context, leftovers: Sequence[Leftover]) -> Outcome:
    """Remove them, one after the other; what cannot go is a warning and stays for the next time."""
    removed, warnings = [], []
    _sweep_locks(context)
    for each in leftovers:
        try:
            _remove(context, each)
        except NexusError as error:
            warnings.append(f"{each} stays: {error.message}" + (f" ({error.why})" if error.why else ""))
        else:
            removed.append(each)
    table = Table(columns=("removed", "because"), rows=tuple(_rows(removed)))
    output = (table,) if removed else ("nothing to do: nothing is left over",)
    data = {"removed": _data(removed)}
    return Outcome(data=data, output=output, warnings=tuple(warnings), instance=context.identity.name)


def old_images(stored: Sequence[StoredImage], in_use: frozenset[str], current: Mapping[str, str]) -> Iterator[Leftover]:
    """Tags of ours that the present lock does not name, of images from which no container is made."""
    kept = set(current.values())
    for image in stored:
        for tag in image.tags:
            if (
                IMAGE_LABEL in image.labels
                and tag not in kept
                and not tag.endswith(":local")
                and image.id not in in_use
            ):
                yield Leftover(kind="image", name=tag, reason="this release uses another build")


def _orphans(inventory: EngineInventory, root: Path) -> Iterator[Leftover]:
    """Containers and networks alone; what is only data has nothing for this."""
    for row in ls.rows(inventory, root):
        things = tuple(each for each in inventory.of_instance(row.name) if each.kind != "volume")
        if row.idle_for_good and things:
            kept = f"; its {pluralize(row.volumes, 'volume')} with all data stay" if row.volumes else ""
            why = f"its project folder {row.project} is gone{kept}"
            yield Leftover(kind="instance", name=row.name, reason=why, owner=row.project, things=things, used=row.used)


def _data_of_orphans(context: Context, inventory: EngineInventory) -> Iterator[Leftover]:
    # what another runtime holds cannot be seen in this inventory
    elsewhere = {each.name for each in state.records(context.root) if each.runtime != context.settings.runtime}
    rows = [row for row in ls.rows(inventory, context.root) if row.idle_for_good and row.name not in elsewhere]
    sizes = context.provider.volume_sizes() if any(row.volumes for row in rows) else {}
    for row in rows:
        last = f", last used {duration_ago(time.time() - row.used)} ago" if row.used else ""
        yield Leftover(
            kind="data",
            name=row.name,
            reason=f"its project folder {row.project} is gone{last}",
            owner=row.project,
            things=inventory.of_instance(row.name),
            sizes=sizes,
            used=row.used,
        )


def left_containers(inventory: EngineInventory, root: Path) -> Iterator[Leftover]:
    """Containers of `run --in` whose nexusdev is gone. One without a lock file may run under another state folder: it is left alone."""
    gone = {row.name for row in ls.rows(inventory, root) if row.gone}
    for each in inventory.resources:
        if not each.one_off or each.instance in gone:
            continue
        file = lock_file(state.folder_of(root, each.instance), each.name)
        if file.exists() and not lock.is_held(file):
            yield Leftover(
                kind="container",
                name=each.name,
                reason="the nexusdev run that made it was killed",
                owner=each.owner_path,
                things=(each,),
            )


def _fragments(inventory: EngineInventory, root: Path) -> Iterator[Leftover]:
    """State folders without a record: an ``up`` that was killed in its first moment. Broken and newer records are left alone."""
    for folder in state.instances(root):
        if not (folder / "instance.json").exists() and not inventory.of_instance(folder.name):
            yield Leftover(
                kind="state folder", name=folder.name, reason="it has no record and the engine has nothing of it"
            )


def _remove(context: Context, leftover: Leftover) -> None:
    match leftover.kind:
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


def _remove_one_off(context: Context, leftover: Leftover) -> None:
    for each in leftover.things:
        runtime = context.provider.runtime(each.instance, owner=Path(leftover.owner))
        runtime.apply(
            Step(action=Action.REMOVE, resource=each.name, reason=leftover.reason, target=_target(each), kill=True)
        )
        lock_file(state.folder_of(context.root, each.instance), each.name).unlink(missing_ok=True)


def _remove_instance(context: Context, leftover: Leftover) -> None:
    owner = Path(leftover.owner)
    identity = Identity(name=leftover.name, project=owner)
    with locked(identity, GC, root=context.root):
        things = _still_left_over(context, leftover)
        runtime = context.provider.runtime(leftover.name, owner=owner)
        snapshot = runtime.observe()
        refuse_strangers(plan_down(snapshot, volumes=True), snapshot, command="gc")
        for kind, action in _ORDER.items():
            for thing in (each for each in things if each.kind == kind):
                resource = thing.service or thing.name
                runtime.apply(Step(action=action, resource=resource, reason=leftover.reason, target=_target(thing)))
        if leftover.kind == "data":
            forget(identity, root=context.root)


def _still_left_over(context: Context, leftover: Leftover) -> tuple[OwnedResource, ...]:
    """What the engine has of it now, of the kinds that were told. Locked where it is in use again, or not certainly left over any more."""
    record = state.read_record(state.folder_of(context.root, leftover.name))
    things = context.provider.inventory().of_instance(leftover.name)
    row = ls.row(leftover.name, record, things, context.root)
    if row.alive:
        raise Locked("it was started meanwhile")
    if not row.gone:
        raise Locked(f"its project folder {leftover.owner} is back" if row.folder == "here" else row.folder_words)
    listed = {each.name for each in leftover.things}
    return tuple(each for each in things if each.name in listed)


def _sweep_locks(context: Context) -> None:
    """Lock files of instances that are gone: whoever takes such a lock removes its file in the end."""
    for name in locks(context.root):
        if not state.folder_of(context.root, name).is_dir():
            with contextlib.suppress(Locked), locked(Identity(name=name, project=Path()), GC, root=context.root):
                pass


def _target(thing: OwnedResource) -> str:
    return thing.id if thing.kind == "container" else thing.name
