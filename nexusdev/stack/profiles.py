"""Profiles: named selections of components that can be started alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nexusdev.stack import schema, values
from nexusdev.stack.document import Value, config_error
from nexusdev.stack.model import FULL, Service
from nexusdev.stack.services import NAME

Profiles = Mapping[str, tuple[str, ...]]


def read_profiles(value: Value, services: Mapping[str, Service]) -> Profiles:
    """Return profile → its components, in the order of the stack.

    Raises:
        InvalidConfig: A profile names an unknown component; the error has file, line and key.
    """
    members = schema.table(value, "x-nexusdev of the stack")
    known = tuple(dict.fromkeys(service.component for service in services.values()))
    written = values.entries(members["profiles"]) if "profiles" in members else {}
    return {name: _profile(name, each, known) for name, each in written.items()}


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


def _components(names: Value, known: Sequence[str]) -> tuple[str, ...]:
    for item in values.items(names):
        values.one_of(item, known)
    return values.texts(names)
