"""Selects the part of the stack for ``up``: the named components, else a profile (set, remembered, or everything)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.deploy.last_up import LastUp
from nexusdev.errors import InvalidConfig, UsageError
from nexusdev.plan import Observation
from nexusdev.settings import Settings
from nexusdev.stack.model import FULL, Stack
from nexusdev.util.humanize import join_names
from nexusdev.util.nearest import nearest

_FLAG = "--profile"


class Selection(Struct, frozen=True, kw_only=True):
    """A choice of components.

    Attributes:
        profile: Its name; '' where components were named.
        narrower: Somebody chose this profile now: what runs beside it goes, its data stays. A profile that is only remembered
            removes nothing, so that ``up monitoring`` after ``up --profile core`` is undone by no later ``up``.
    """

    components: tuple[str, ...]
    profile: str = ""
    narrower: bool = False

    def unwanted(self, stack: Stack, observation: Observation) -> Mapping[str, str]:
        """Service → why it goes."""
        if not self.narrower:
            return {}
        return {
            name: f"profile {self.profile} does not include {observed.component}"
            for name, observed in observation.services.items()
            if observed.component in stack.components and observed.component not in self.components
        }

    def remembered(self, last_up: LastUp, existing: Collection[str]) -> LastUp:
        """The record of the last ``up`` after this part was brought up; ``existing``: the components that have a container.

        With a profile, a component that is neither selected nor existing is dropped, so that no later command reports it as missing.
        """
        if not self.profile:
            return last_up
        kept = {name: each for name, each in last_up.seeded.items() if name in self.components or name in existing}
        return replace(last_up, seeded=kept, profile=self.profile)


def select(settings: Settings, stack: Stack, names: Sequence[str], *, remembered: str) -> Selection:
    """What is meant. UsageError (2) for names beside a profile, and for a profile that does not exist (InvalidConfig where a file says so)."""
    origin = settings.origins.get("profile", "")
    if names:
        if origin == _FLAG:
            raise _both(names, settings.profile)
        return Selection(components=tuple(names))
    profiles = {FULL: stack.components, **stack.profiles}
    if settings.profile and settings.profile not in profiles:
        raise _unknown(settings.profile, profiles, origin)
    before = remembered if remembered in profiles else FULL
    name = settings.profile or before
    return Selection(components=profiles[name], profile=name, narrower=origin == _FLAG or name != before)


def _both(names: Sequence[str], profile: str) -> UsageError:
    return UsageError(
        f"components and --profile cannot be combined: {join_names(tuple(names))} and {profile}",
        why="a profile is itself a set of components",
        hint=f"nexusdev up {' '.join(names)}   these and their dependencies\nnexusdev up --profile {profile}",
    )


def _unknown(name: str, known: Collection[str], origin: str) -> UsageError | InvalidConfig:
    near = nearest(name, known, count=3)
    kind, place = (UsageError, "") if origin in ("", _FLAG) else (InvalidConfig, f"{origin}: ")
    return kind(
        f"{place}unknown profile {name}",
        why=f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}",
        hint=f"nexusdev up --profile {near[0] if near else FULL}",
    )
