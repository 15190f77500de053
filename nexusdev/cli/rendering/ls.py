"""What ``ls`` shows."""

from __future__ import annotations

from msgspec.structs import asdict

from nexusdev.cli.output import Rendered, Style, Table, Text
from nexusdev.instance.project_places import Presence
from nexusdev.operations.ls import InstanceRow, ListResult


def _list(result: ListResult) -> Rendered:
    rows = tuple(_cells(each, known=result.known) for each in result.instances)
    table = Table(columns=("instance", "state", "ports", "project"), rows=rows)
    return Rendered(
        data={"instances": [{**asdict(each), "state": each.state} for each in result.instances]},
        output=(table,) if rows else ("no instances; create one with nexusdev up",),
    )


def _cells(row: InstanceRow, *, known: bool) -> tuple[str | Text, ...]:
    """The cells of a row. ``known``: the engine answered, so that advice may rest on what it has."""
    name = Text(f"{row.name} (here)", "strong") if row.here else row.name
    style: Style = "good" if row.running else "plain"
    state_text = Text(row.state + (", busy" if row.busy else ""), style)
    if not row.project:
        return name, state_text, row.ports, Text("unknown", "dim")
    if row.stateless:
        where = f"its state is in {row.state_path}" if row.state_path else "its state is not in this state folder"
        return name, state_text, row.ports, Text(f"{row.project} ({where})", "warn")
    advice = _advice(row) if known else ""
    words = f"{row.project} ({row.folder_words}{f': {advice}' if advice else ''})"
    return name, state_text, row.ports, row.project if row.folder == Presence.HERE else Text(words, "warn")


def _advice(row: InstanceRow) -> str:
    """The command that is safe for an instance whose folder is gone, or ''."""
    if not row.gone or row.busy:
        return ""
    if row.alive:
        return f"nexusdev -i {row.name} down"
    if row.containers:
        return "nexusdev gc"
    return "nexusdev gc --data"


RENDERERS = {ListResult: _list}
