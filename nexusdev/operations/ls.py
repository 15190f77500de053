"""ls: every instance of this user and of this engine, wherever its project is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from nexusdev.errors import PreflightFailed
from nexusdev.instance import lock, ports, state
from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome, Table, Text
from nexusdev.plan.survey import Belonging, Survey


class Row(Struct, frozen=True, kw_only=True):
    """One instance.

    running, containers  counts; volumes: count;  ports  '21000-21099' or ''
    gone                 its project folder does not exist any more;  busy  a process works on it now
    """

    name: str
    project: str
    here: bool = False
    gone: bool = False
    busy: bool = False
    running: int = 0
    containers: int = 0
    volumes: int = 0
    ports: str = ""

    @property
    def state(self) -> str:
        """In words."""
        if not self.containers:
            return "down, data kept" if self.volumes else "down"
        if self.running == self.containers:
            return f"running ({self.running} containers)"
        return f"{self.running} of {self.containers} running" if self.running else "stopped"


def ls(context: Context) -> Outcome:
    """What the state folders and the engine's labels know together. Without an engine: the state folders alone, and a warning."""
    warnings: tuple[str, ...] = ()
    survey = Survey()
    try:
        survey = context.doors.survey()
    except PreflightFailed as error:
        warnings = (f"the engine does not answer, so nobody knows what runs: {error.message}",)
    found = rows(survey, context.root, here=context.identity.name)
    table = Table(columns=("instance", "state", "ports", "project"), rows=tuple(_cells(each) for each in found))
    says = (table,) if found else ("no instance yet; nexusdev up makes one",)
    data = {"instances": [{**asdict(each), "state": each.state} for each in found]}
    return Outcome(data=data, says=says, instance=context.identity.name, warnings=warnings)


def rows(survey: Survey, root: Path, *, here: str = "") -> list[Row]:
    """One row per instance, by name."""
    records = {record.name: record for record in state.records(root)}
    names = sorted({*records, *survey.instances, *(folder.name for folder in state.instances(root))})
    return [_row(name, records.get(name), survey.of_instance(name), root, here) for name in names]


def _row(name: str, record: state.Record | None, things: tuple[Belonging, ...], root: Path, here: str) -> Row:
    containers = [each for each in things if each.kind == "container"]
    owner = record.owner if record else next((each.owner_path for each in things if each.owner_path), "")
    slot = record.slot if record else next(_slots(containers), None)
    block = ports.block_of(slot) if slot is not None else None
    return Row(
        name=name,
        project=owner,
        here=name == here,
        gone=bool(owner) and not Path(owner).is_dir(),
        busy=lock.is_held(state.lock_file(root, name)),
        running=sum(each.running for each in containers),
        containers=len(containers),
        volumes=sum(each.kind == "volume" for each in things),
        ports=f"{block[0]}-{block[-1]}" if block else "",
    )


def _slots(containers: Iterable[Belonging]) -> Iterator[int]:
    return (slot for each in containers for port in each.ports if (slot := ports.slot_of(port)) is not None)


def _cells(row: Row) -> tuple[str | Text, ...]:
    name = Text(f"{row.name} (here)", "strong") if row.here else row.name
    moods = {True: "good", False: "plain"}
    state_text = Text(row.state + (", busy" if row.busy else ""), moods[row.running > 0])  # type: ignore[arg-type]
    project = Text(f"{row.project} (gone: nexusdev gc)", "warn") if row.gone else row.project
    return name, state_text, row.ports, project or Text("unknown", "dim")
