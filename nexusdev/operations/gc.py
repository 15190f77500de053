"""gc: what nobody will miss: instances whose project folder is gone, images of older releases, the cache of image builds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.errors import Locked, NexusError
from nexusdev.instance import state
from nexusdev.instance.folders import locks
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import forget, locked
from nexusdev.operations import ls
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome, Table
from nexusdev.plan.steps import Act, Step
from nexusdev.plan.survey import Belonging, Survey
from nexusdev.runtimes.image_door import StoredImage

GC = "nexusdev gc"
IMAGE_LABEL = "dev.nexus.image"
_ORDER = {"container": Act.REMOVE, "network": Act.REMOVE_NETWORK, "volume": Act.REMOVE_VOLUME}


class Leftover(Struct, frozen=True, kw_only=True):
    """Something to remove. ``kind``: instance, state folder, image, build cache; ``things``: what the engine has of an instance."""

    kind: str
    name: str
    because: str
    owner: str = ""
    things: tuple[Belonging, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def look(context: Context) -> tuple[Leftover, ...]:
    """What could go. Removes nothing. PreflightFailed without an engine: what it holds must be known."""
    survey = context.doors.survey(caches=True)
    images = context.images()
    return (
        *_orphans(survey, context.root),
        *_fragments(survey, context.root),
        *old_images(images.door.list(), survey.in_use, images.references),
        *(Leftover(kind="build cache", name=name, because="only image builds need it") for name in survey.caches),
    )


def question(leftovers: Sequence[Leftover]) -> str:
    """What to ask before, with every name."""
    lines = "\n".join(f"  {each}: {each.because}" for each in leftovers)
    return f"{lines}\nremove {'this' if len(leftovers) == 1 else f'these {len(leftovers)}'}?"


def told(context: Context, leftovers: Sequence[Leftover]) -> Outcome:
    """What ``remove`` would remove."""
    table = Table(columns=("would go", "because"), rows=tuple((str(each), each.because) for each in leftovers))
    says = (table,) if leftovers else ("nothing is left over",)
    return Outcome(data={"leftovers": _data(leftovers)}, says=says, instance=context.identity.name)


def _data(leftovers: Sequence[Leftover]) -> list[dict[str, str]]:
    return [{"kind": each.kind, "name": each.name, "because": each.because} for each in leftovers]


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
    table = Table(columns=("removed", "because"), rows=tuple((str(each), each.because) for each in removed))
    says = (table,) if removed else ("nothing to do: nothing is left over",)
    data = {"removed": _data(removed)}
    return Outcome(data=data, says=says, warnings=tuple(warnings), instance=context.identity.name)


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
                yield Leftover(kind="image", name=tag, because="this release uses another build")


def _orphans(survey: Survey, root: Path) -> Iterator[Leftover]:
    for row in ls.rows(survey, root):
        if row.gone and not row.busy:
            why = f"its project folder {row.project} is gone"
            things = survey.of_instance(row.name)
            yield Leftover(kind="instance", name=row.name, because=why, owner=row.project, things=things)


def _fragments(survey: Survey, root: Path) -> Iterator[Leftover]:
    """State folders without a record: an ``up`` that was killed in its first moment. Broken and newer records are left alone."""
    for folder in state.instances(root):
        if not (folder / "instance.json").exists() and not survey.of_instance(folder.name):
            yield Leftover(
                kind="state folder", name=folder.name, because="it has no record and the engine has nothing of it"
            )


def _remove(context: Context, leftover: Leftover) -> None:
    match leftover.kind:
        case "image":
            context.images().door.untag(leftover.name)
        case "build cache":
            context.images().door.drop_volume(leftover.name)
        case _:
            _remove_instance(context, leftover)


def _remove_instance(context: Context, leftover: Leftover) -> None:
    owner = Path(leftover.owner)
    identity = Identity(name=leftover.name, project=owner)
    with locked(identity, GC, root=context.root):
        if leftover.owner and owner.is_dir():
            raise Locked(f"its project folder {owner} is back")
        runtime = context.doors.runtime(identity, owner=owner)
        for kind, act in _ORDER.items():
            for thing in (each for each in leftover.things if each.kind == kind):
                subject = thing.service or thing.name
                runtime.apply(Step(act=act, subject=subject, because=leftover.because, target=_target(thing)))
        forget(identity, root=context.root)


def _sweep_locks(context: Context) -> None:
    """Lock files of instances that are gone: whoever takes such a lock removes its file in the end."""
    for name in locks(context.root):
        if not state.folder_of(context.root, name).is_dir():
            with contextlib.suppress(Locked), locked(Identity(name=name, project=Path()), GC, root=context.root):
                pass


def _target(thing: Belonging) -> str:
    return thing.id if thing.kind == "container" else thing.name
