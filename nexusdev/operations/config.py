"""config show: prints every setting with its value and its origin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nexusdev.context import Context
from nexusdev.results import Cell, Outcome, Table, Text


def show(context: Context, *, origin: bool = False) -> Outcome:
    """All settings; ``instance`` as it is used, although its default is made from the folder."""
    rows = [(key, _shown(context, key, value), origin_) for key, value, origin_ in context.settings.rows()]
    data = {
        "project": str(context.identity.project),
        "settings": {
            key: {"value": value if not isinstance(value, Path) else str(value), "origin": where}
            for key, value, where in rows
        },
    }
    columns = ("setting", "value", "from") if origin else ("setting", "value")
    table = Table(columns=columns, rows=tuple(_row(*each)[: len(columns)] for each in rows))
    return Outcome(data=data, instance=context.identity.name, output=(table,))


def _shown(context: Context, key: str, value: Any) -> Any:
    return context.identity.name if key == "instance" else value


def _row(key: str, value: Any, origin: str) -> tuple[Cell, ...]:
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, tuple):
        value = ", ".join(value)
    where: Cell = Text(origin, "dim") if origin == "default" else origin
    return key, f"{value:g}" if isinstance(value, float) else str(value), where
