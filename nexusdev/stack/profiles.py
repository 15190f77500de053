"""Profiles: named selections of components that can be started alone, or with one server of each kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from nexusdev.stack import schema, values
from nexusdev.stack.document import MappingNode, Value, config_error
from nexusdev.stack.model import FULL, Service, SingleProfile
from nexusdev.stack.services import NAME


class Profiles(Struct, frozen=True, kw_only=True):
    """The profiles of a stack.

    Attributes:
        parts: Profile → its components, in the order of the stack.
        single: Profile with single servers → what it has.
    """

    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    single: Mapping[str, SingleProfile] = field(default_factory=dict)


def read_profiles(value: Value, services: Mapping[str, Service]) -> Profiles:
    """Return the profiles.

    Raises:
        InvalidConfig: A profile names an unknown component or group; the error has file, line and key.
    """
    members = schema.table(value, "x-nexusdev of the stack")
    known = tuple(dict.fromkeys(service.component for service in services.values()))
    written = values.entries(members["profiles"]) if "profiles" in members else {}
    parts = {name: _profile(name, each, known) for name, each in written.items()}
    omitted = {name: _omitted(each, services) for name, each in written.items()}
    single = {
        name: SingleProfile(components=parts[name], omit=omit) for name, omit in omitted.items() if omit is not None
    }
    return Profiles(parts={name: each for name, each in parts.items() if name not in single}, single=single)


def _profile(name: str, value: Value, known: Sequence[str]) -> tuple[str, ...]:
    if name == FULL or not NAME.fullmatch(name):
        why = (
            "full always contains every component"
            if name == FULL
            else "use lower case letters, digits and -, starting with a letter"
        )
        raise config_error(value.position, f"invalid profile name {name}", why=why)
    members = schema.table(value, "profile")
    only = _components(members["only"], known) if "only" in members else known
    without = _components(members["without"], known) if "without" in members else ()
    if not members or not set(only) - set(without):
        raise config_error(value.position, f"profile {name} must contain some components, but not all")
    return tuple(each for each in known if each in only and each not in without)


def _omitted(value: Value, services: Mapping[str, Service]) -> tuple[str, ...] | None:
    """Return the groups that a profile with single servers omits; None for another profile."""
    members = value.items if isinstance(value, MappingNode) else {}
    single = values.optional(members, "single", values.boolean, False)
    if "omit" not in members:
        return () if single else None
    if not single:
        raise config_error(members["omit"].position, "omit can only be used with single: true")
    return _components(members["omit"], tuple(dict.fromkeys(each.group for each in services.values())))


def _components(names: Value, known: Sequence[str]) -> tuple[str, ...]:
    for item in values.items(names):
        values.one_of(item, known)
    return values.texts(names)
