"""What ``config show`` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusdev.cli.output import Cell, Rendered, Table, Text
from nexusdev.operations.config import ConfigResult, Setting


def _config(result: ConfigResult) -> Rendered:
    settings = {each.key: {"value": _plain(each.value), "origin": each.origin} for each in result.settings}
    columns = ("setting", "value", "from") if result.with_origin else ("setting", "value")
    table = Table(columns=columns, rows=tuple(_row(each)[: len(columns)] for each in result.settings))
    return Rendered(data={"project": str(result.project), "settings": settings}, output=(table,))


def _plain(value: Any) -> Any:
    """Paths as text."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return str(value) if isinstance(value, Path) else value


def _row(setting: Setting) -> tuple[Cell, ...]:
    value = setting.value
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ", ".join(map(str, value))
    origin: Cell = Text(setting.origin, "dim") if setting.origin == "default" else setting.origin
    return setting.key, f"{value:g}" if isinstance(value, float) else str(value), origin


RENDERERS = {ConfigResult: _config}
