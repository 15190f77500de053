"""config show: returns every setting with its value and its origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.results import Result


class Setting(Struct, frozen=True, kw_only=True):
    """One setting with its origin.

    Attributes:
        origin: ``default``, an option, a variable, or a file with its line.
    """

    key: str
    value: Any
    origin: str


class ConfigResult(Result, frozen=True, kw_only=True):
    """The effective settings.

    Attributes:
        project: The project folder.
        settings: Every setting; ``instance`` is the effective name, also if it is derived from the folder.
        with_origin: Whether the origins were requested.
    """

    project: Path
    settings: tuple[Setting, ...]
    with_origin: bool = False


def show(context: Context, *, origin: bool = False) -> ConfigResult:
    """Return all settings. ``origin``: whether the text output shows where each setting comes from."""
    return ConfigResult(
        instance=context.identity.name,
        project=context.identity.project,
        settings=tuple(
            Setting(key=key, value=context.identity.name if key == "instance" else value, origin=where)
            for key, value, where in context.settings.rows()
        ),
        with_origin=origin,
    )
