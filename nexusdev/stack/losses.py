"""Data volumes that are lost, and what each loss means: rebuilt from replicas, or started empty. Pure.

A volume counts as lost when nexusdev has seen it before (its mark, see ``instance.volume_marks``) and it is missing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.stack.model import Stack


class Holding(Struct, frozen=True, kw_only=True):
    """The data that the servers of one group store on their volumes, and how it is recovered.

    Attributes:
        what: In words: ``the databases``.
        enough: Number of remaining volumes of the group (``majority``: more than half of them) from which its servers recover the others;
            None: each stores different data, which no other volume has.
        source: Groups from which the whole group is recovered if fewer remain; none of their volumes may be lost.
        along: Groups that are created again together with this one, because their data depends on it.
    """

    group: str
    what: str
    enough: int | Literal["majority"] | None = None
    source: tuple[str, ...] = ()
    along: tuple[str, ...] = ()


class Loss(Struct, frozen=True, kw_only=True):
    """The lost volumes of one group.

    Attributes:
        what: Their content.
        gone: Lost volumes of the group, by their short names.
        kept: Remaining volumes of the group, by their short names.
        empty: Whether the data is lost, because it cannot be recovered from other volumes.
        source: Groups that it is recovered from; empty for the remaining volumes of the group itself.
        cleared: Existing volumes that must be removed too before the servers can start.
    """

    component: str
    group: str
    what: str
    gone: tuple[str, ...]
    kept: tuple[str, ...] = ()
    empty: bool = False
    source: tuple[str, ...] = ()
    cleared: tuple[str, ...] = ()


def missing(stack: Stack, *, marked: Collection[str], existing: Collection[str]) -> tuple[str, ...]:
    """Return the volumes of the stack that were seen before and no longer exist."""
    return tuple(volume for volume in stack.volumes if volume in marked and volume not in existing)


def losses(
    stack: Stack, gone: Collection[str], *, existing: Collection[str], holdings: Mapping[str, Collection[Holding]]
) -> tuple[Loss, ...]:
    """Return the consequences of the lost volumes, by group in the order of the stack.

    Args:
        stack: The stack.
        gone: The lost volumes.
        existing: The existing volumes.
        holdings: Component → its holdings.
    """
    found: list[Loss] = []
    for component in stack.components:
        groups = _groups(stack, component)
        hit = {group for group, volumes in groups.items() if not set(gone).isdisjoint(volumes)}
        if hit:
            known = {each.group: each for each in holdings.get(component, ())}
            held = {group: known.get(group) or Holding(group=group, what=f"the data of {group}") for group in groups}
            found += _of_component(component, groups, held, gone=gone, existing=existing)
    return tuple(found)


def cleared(found: Collection[Loss]) -> tuple[str, ...]:
    """Return the existing volumes that must be removed before the lost ones are created again, without duplicates."""
    return tuple(dict.fromkeys(volume for loss in found for volume in loss.cleared))


def _groups(stack: Stack, component: str) -> Mapping[str, tuple[str, ...]]:
    """Return group → its volumes, for groups with volumes."""
    groups: dict[str, list[str]] = {}
    for service in stack.of_component(component):
        for mount in service.volumes:
            groups.setdefault(service.group, []).append(mount.volume)
    return {group: tuple(dict.fromkeys(volumes)) for group, volumes in groups.items()}


def _of_component(
    component: str,
    groups: Mapping[str, tuple[str, ...]],
    held: Mapping[str, Holding],
    *,
    gone: Collection[str],
    existing: Collection[str],
) -> list[Loss]:
    lost = {group: tuple(each for each in volumes if each in gone) for group, volumes in groups.items()}
    kept = {group: tuple(each for each in volumes if each in existing) for group, volumes in groups.items()}
    held = {group: _counted(each, len(groups[group])) for group, each in held.items()}
    empty = _empty(lost, kept, held)
    found = []
    for group, volumes in lost.items():
        if not volumes:
            continue
        holding = held[group]
        fills = () if group in empty or _is_enough(holding, kept[group]) else holding.source
        found.append(
            Loss(
                component=component,
                group=group,
                what=holding.what,
                gone=volumes,
                kept=kept[group],
                empty=group in empty,
                source=fills,
                cleared=_cleared(group, kept, held, empty=empty, refilled=bool(fills)),
            )
        )
    return found


def _empty(
    lost: Mapping[str, Collection[str]], kept: Mapping[str, Collection[str]], held: Mapping[str, Holding]
) -> frozenset[str]:
    """Return the groups that cannot be recovered, and those that are created again with them."""
    empty = {
        group
        for group, volumes in lost.items()
        if volumes and not _is_enough(held[group], kept[group]) and not _has_source(held[group], lost)
    }
    while more := {other for group in empty for other in held[group].along if other in lost} - empty:
        empty |= more
    return frozenset(empty)


def _counted(holding: Holding, volumes: int) -> Holding:
    """Return the holding with a number instead of ``majority``."""
    return replace(holding, enough=volumes // 2 + 1) if holding.enough == "majority" else holding


def _is_enough(holding: Holding, kept: Collection[str]) -> bool:
    return isinstance(holding.enough, int) and len(kept) >= holding.enough


def _has_source(holding: Holding, lost: Mapping[str, Collection[str]]) -> bool:
    return bool(holding.source) and not any(lost.get(group) for group in holding.source)


def _cleared(
    group: str,
    kept: Mapping[str, tuple[str, ...]],
    held: Mapping[str, Holding],
    *,
    empty: frozenset[str],
    refilled: bool,
) -> tuple[str, ...]:
    """Return the remaining volumes of the group, and of groups that are created again with it."""
    own = kept[group] if (group in empty or refilled) and held[group].enough is not None else ()
    along = (each for other in held[group].along if group in empty for each in kept.get(other, ()))
    return tuple(dict.fromkeys((*own, *along)))
