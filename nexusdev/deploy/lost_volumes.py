"""Data volumes that are missing: what they held, the error that names the choices, and how they are made again."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import asdict

from nexusdev.components.capabilities import HoldsData
from nexusdev.context import Context
from nexusdev.errors import VolumeLost
from nexusdev.instance import volume_marks
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import Advice, Runtime
from nexusdev.plan import Discard, Observation, Step
from nexusdev.stack.losses import Holding, Loss, cleared, losses, missing
from nexusdev.stack.model import Stack
from nexusdev.util.humanize import join_names

_SHOWN = 4


def lost(
    context: Context,
    instance: Instance,
    stack: Stack,
    observation: Observation,
    *,
    wanted: Collection[str] | None = None,
) -> tuple[Loss, ...]:
    """Return the lost volumes, by group.

    Args:
        context: The context of the command.
        instance: The instance.
        stack: The stack, which names the volumes.
        observation: The resources that exist.
        wanted: Only consider these volumes; None for all.
    """
    gone = missing(stack, marked=volume_marks.read(instance.folder), existing=observation.volumes)
    gone = tuple(each for each in gone if wanted is None or each in wanted)
    return losses(stack, gone, existing=observation.volumes, holdings=_holdings(context)) if gone else ()


def _holdings(context: Context) -> Mapping[str, Sequence[Holding]]:
    return {name: each.holdings() for name, each in context.components.items() if isinstance(each, HoldsData)}


def affected(found: Collection[Loss]) -> frozenset[str]:
    """Return the volumes that must be created again: the lost ones, and those that must be removed with them."""
    return frozenset((*(volume for loss in found for volume in loss.gone), *cleared(found)))


def refusal(found: Sequence[Loss], instance: Instance, runtime: Runtime, words: Sequence[str] = ()) -> VolumeLost:
    """Return the error that names the lost volumes and the possible commands.

    Args:
        found: The lost volumes, by group.
        instance: The instance.
        runtime: The runtime, for the volumes' full names.
        words: The arguments of ``up`` as they were typed: components, or ``--profile core``.
    """
    advice = runtime.advice
    gone = [volume for loss in found for volume in loss.gone]
    error = VolumeLost(
        f"{_subject(gone)} missing: {_some(gone)}",
        why=f"{advice.lost_data}; nothing was made or started",
        hint=_choices(found, advice, words),
        evidence=tuple(sentence(loss) for loss in found),
    )
    error.volumes = tuple(each.as_dict() for each in listed(found, instance, runtime))
    return error


def _subject(gone: Sequence[str]) -> str:
    return "a data volume is" if len(gone) == 1 else f"{len(gone)} data volumes are"


def _some(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return join_names(names) if more <= 1 else f"{', '.join(names[:_SHOWN])} and {more} more"


def sentence(loss: Loss) -> str:
    """Describe what one group lost and how it recovers."""
    return f"{loss.component}: {join_names(loss.gone)} ({loss.what}): {_fate(loss)}"


def _fate(loss: Loss) -> str:
    if not loss.empty:
        return f"can be rebuilt from {join_names(loss.source or loss.kept) or 'the state folder'}"
    few = [volume for volume in loss.kept if volume in loss.cleared]
    alone = f" from {join_names(few)} alone" if few else ""
    rest = f"; {join_names(loss.cleared)} would be removed too" if loss.cleared else ""
    return f"cannot be rebuilt{alone}: starts empty{rest}"


def again(words: Sequence[str] = ()) -> str:
    """Return the command that creates lost volumes again. ``words``: components, or ``--profile core``."""
    return " ".join(("nexusdev up", *words, "--recreate-volumes"))


def _choices(found: Sequence[Loss], advice: Advice, words: Sequence[str]) -> str:
    empty = list(dict.fromkeys(loss.component for loss in found if loss.empty))
    rebuilt = any(not loss.empty for loss in found)
    acts = [
        *(["rebuild what can be rebuilt"] if rebuilt else []),
        *([f"start with empty data for {join_names(empty)} (asks first)"] if empty else []),
    ]
    return "\n".join(
        (
            f"{again(words)}   {', '.join(acts)}",
            "nexusdev up   after you restored the volumes from a backup (see README, Lost volumes)",
            advice.elsewhere,
            "nexusdev destroy   remove the rest of the instance",
        )
    )


class LostVolume(Struct, frozen=True, kw_only=True):
    """A data volume that no longer exists.

    Attributes:
        name: Its name in the compose file.
        full_name: Its name in the runtime.
        component: The component that used it.
        group: The group of services that used it.
        held: Its content, in words.
        first_seen: When it was first seen, as an ISO 8601 time.
        rebuildable: Whether other nodes still have its content.
        clears: The volumes that must be created again with it.
    """

    name: str
    full_name: str
    component: str
    group: str
    held: str
    first_seen: str
    rebuildable: bool
    clears: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Return the fields for a JSON document."""
        return {**asdict(self), "clears": list(self.clears)}


def listed(found: Sequence[Loss], instance: Instance, runtime: Runtime) -> tuple[LostVolume, ...]:
    """Return each lost volume."""
    seen = volume_marks.read(instance.folder)
    return tuple(
        LostVolume(
            name=volume,
            full_name=runtime.volume_name(volume),
            component=loss.component,
            group=loss.group,
            held=loss.what,
            first_seen=datetime.fromtimestamp(seen.get(volume, 0.0), UTC).isoformat(timespec="seconds"),
            rebuildable=not loss.empty,
            clears=tuple(loss.cleared),
        )
        for loss in found
        for volume in loss.gone
    )


def question(found: Sequence[Loss]) -> str | None:
    """Return the confirmation prompt for creating lost volumes again; None if no data is lost."""
    empty = [loss for loss in found if loss.empty]
    if not empty:
        return None
    held = {loss.component: [each.what for each in empty if each.component == loss.component] for loss in empty}
    going = cleared(empty)
    rest = f" ({join_names(going)} will be removed too)" if going else ""
    return (
        f"start with empty data: {join_names([f'{name} ({join_names(what)})' for name, what in held.items()])}{rest}?"
    )


def clearing(stack: Stack, found: Collection[Loss]) -> Discard:
    """Return the intent that removes remaining volumes that must be created again, and the services that use them."""
    going = set(cleared(found))
    users = {
        service.name: own
        for service in stack.services.values()
        if (own := [mount.volume for mount in service.volumes if mount.volume in going])
    }
    return Discard(services=users, reason="its component starts with empty data", command="up --recreate-volumes")


class VolumeRecorder(Struct, kw_only=True):
    """Records the volumes of a plan as existing data (``volume_marks``), in one write after all of them were created. Thread-safe.

    Attributes:
        folder: The state folder of the instance.
        planned: The volumes that the plan creates, by their short names.
        now: Returns the time of the runtime, in seconds since the epoch.
        here: Returns the engine that has them.
    """

    folder: Path
    planned: Collection[str]
    now: Callable[[], float]
    here: Callable[[], volume_marks.Origin]
    _created: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, step: Step) -> None:
        """Record the volumes of a completed step. If the write fails, the next ``up`` records them."""
        if not step.makes_volumes:
            return
        with self._lock, contextlib.suppress(OSError):
            self._created.extend(step.makes_volumes)
            if len(self._created) >= len(self.planned):
                volume_marks.add(self.folder, self._created, now=self.now, here=self.here)
