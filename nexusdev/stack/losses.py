"""Data volumes that are lost, and what each loss means: rebuilt from replicas, or started empty. Pure.

A volume counts as lost when nexusdev has seen it before (its mark, see ``instance.marks``) and it is missing from the engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.stack.model import Stack


class Holding(Struct, frozen=True, kw_only=True):
    """What the servers of one group of services keep on their volumes, and how they get it back.

    Attributes:
        what: In words: ``the databases``.
        enough: With so many volumes of the group left (``majority``: more than half of them), its servers fill the others
            again; None: each keeps its own, and nobody else has it.
        source: Groups from which the whole group is filled when fewer are left; of these nothing may be missing.
        along: Groups that begin anew together with this one, as what they keep is about its data.
    """

    group: str
    what: str
    enough: int | Literal["majority"] | None = None
    source: tuple[str, ...] = ()
    along: tuple[str, ...] = ()


class Loss(Struct, frozen=True, kw_only=True):
    """The lost volumes of one group.

    Attributes:
        what: Was in them; gone, kept  volumes of the group, by their short names.
        empty: Nothing can fill them again: the data is lost.
        source: Groups that fill them, '' for the others of the group itself.
        cleared: Volumes that are there and have to go as well before the servers can begin.
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
    """The volumes of the stack that were seen before and are gone."""
    return tuple(volume for volume in stack.volumes if volume in marked and volume not in existing)


def losses(
    stack: Stack, gone: Collection[str], *, existing: Collection[str], holdings: Mapping[str, Collection[Holding]]
) -> tuple[Loss, ...]:
    """What the loss of these volumes means, group by group in the order of the stack. ``holdings``: by component."""
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
    """The volumes that are there and have to go before the lost ones are made again, each once."""
    return tuple(dict.fromkeys(volume for loss in found for volume in loss.cleared))


def _groups(stack: Stack, component: str) -> Mapping[str, tuple[str, ...]]:
    """Group → its volumes, of the groups that have any."""
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
    """The groups that nothing can fill again, and those that begin anew along with them."""
    empty = {
        group
        for group, volumes in lost.items()
        if volumes and not _is_enough(held[group], kept[group]) and not _has_source(held[group], lost)
    }
    while more := {other for group in empty for other in held[group].along if other in lost} - empty:
        empty |= more
    return frozenset(empty)


def _counted(holding: Holding, volumes: int) -> Holding:
    """With a number in the place of ``majority``."""
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
    """What is left of the group, and of those that begin anew along with it."""
    own = kept[group] if (group in empty or refilled) and held[group].enough is not None else ()
    along = (each for other in held[group].along if group in empty for each in kept.get(other, ()))
    return tuple(dict.fromkeys((*own, *along)))
