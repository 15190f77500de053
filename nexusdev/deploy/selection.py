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
        profile: Name of the profile; '' if components were named.
        narrower: Whether the user selected this profile in this command: other running services are removed, and their data is kept.
            A remembered profile removes nothing, so that no later ``up`` reverts ``up monitoring`` after ``up --profile core``.
    """

    components: tuple[str, ...]
    profile: str = ""
    narrower: bool = False

    def unwanted(self, stack: Stack, observation: Observation) -> Mapping[str, str]:
        """Return service → why it is removed."""
        if not self.narrower:
            return {}
        return {
            name: f"profile {self.profile} does not include {observed.component}"
            for name, observed in observation.services.items()
            if observed.component in stack.components and observed.component not in self.components
        }

    def remembered(self, last_up: LastUp, existing: Collection[str]) -> LastUp:
        """Return the record of the last ``up`` after this selection was started.

        With a profile, a component that is neither selected nor existing is dropped, so that no later command reports it as missing.

        Args:
            last_up: The record before.
            existing: The components that have a container.
        """
        if not self.profile:
            return last_up
        kept = {name: each for name, each in last_up.seeded.items() if name in self.components or name in existing}
        return replace(last_up, seeded=kept, profile=self.profile)


def select(settings: Settings, stack: Stack, names: Sequence[str], *, remembered: str) -> Selection:
    """Return the selected components.

    Args:
        settings: The settings, which may name a profile.
        stack: The stack, which defines the profiles.
        names: The components that the user named; empty for a profile.
        remembered: The profile of the last ``up``; '' if there is none.

    Raises:
        UsageError: Components and a profile were both named, or the profile does not exist (exit 2).
        InvalidConfig: A profile that a file names does not exist.
    """
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
