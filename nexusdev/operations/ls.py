"""ls: lists every instance of this user and of this engine, wherever its project is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.errors import PreflightFailed
from nexusdev.instance import port_blocks, state
from nexusdev.instance.places import Place, Presence, Sight, look_for
from nexusdev.inventory import InstanceInventory, Inventory
from nexusdev.results import Result
from nexusdev.util import lock


class InstanceRow(Struct, frozen=True, kw_only=True):
    """One instance.

    running, containers, volumes  counts;  ports  '21000-21099' or ''
    folder  what is known of its project folder, and the same in words;  gone  it was removed or renamed for certain
    state_path  where its state is, for one that has none here; '' where it is here or nothing tells
    alive   a container of it has a process, paused ones too;  busy  a process of nexusdev works on it now
    used    when it was last used, in seconds since the epoch; 0.0 where that is not known
    """

    name: str
    project: str
    here: bool = False
    gone: bool = False
    folder: str = ""
    folder_words: str = ""
    stateless: bool = False
    state_path: str = ""
    busy: bool = False
    alive: bool = False
    running: int = 0
    containers: int = 0
    volumes: int = 0
    ports: str = ""
    used: float = 0.0

    @property
    def state(self) -> str:
        """In words."""
        if not self.containers:
            return "down, data kept" if self.volumes else "down"
        if self.running == self.containers:
            return f"running ({self.running} containers)"
        return f"{self.running} of {self.containers} running" if self.running else "stopped"

    @property
    def idle_for_good(self) -> bool:
        """Whether nobody will miss its containers: its folder is gone, none of them lives, and nobody works on it."""
        return self.gone and not self.alive and not self.busy


class ListResult(Result, frozen=True, kw_only=True):
    """Every instance by name. ``known``: the engine answered, so that what runs is known."""

    instances: tuple[InstanceRow, ...]
    known: bool


def ls(context: Context) -> ListResult:
    """What the state folders and the engine's labels know together. Without an engine: the state folders alone, and a warning."""
    warnings: tuple[str, ...] = ()
    inventory = Inventory()
    known = True
    try:
        inventory = context.provider.inventory()
    except PreflightFailed as error:
        warnings = (f"the engine does not answer; running containers are unknown: {error.message}",)
        known = False
    found = rows(inventory, context.root, current=context.identity.name)
    return ListResult(instance=context.identity.name, instances=tuple(found), known=known, warnings=warnings)


def rows(inventory: Inventory, root: Path, *, current: str = "") -> list[InstanceRow]:
    """One row per instance, by name."""
    records = {record.name: record for record in state.records(root)}
    names = sorted({*records, *inventory.instances, *(folder.name for folder in state.instances(root))})
    return [row(name, records.get(name), inventory.of(name), root, current) for name in names]


def row(
    name: str, record: state.Record | None, existing: InstanceInventory, root: Path, current: str = ""
) -> InstanceRow:
    """What is known of one instance."""
    owner = record.owner if record else next(iter(existing.owners), "")
    slot = record.slot if record else next(_slots(existing.ports), None)
    block = port_blocks.block_of(slot) if slot is not None else None
    sight = look_for(Path(owner), record.place if record else Place()) if owner else Sight(presence=Presence.UNKNOWN)
    return InstanceRow(
        name=name,
        project=owner,
        here=name == current,
        gone=sight.presence is Presence.GONE,
        folder=sight.presence.value,
        folder_words=sight.why,
        stateless=not (state.folder_of(root, name) / "instance.json").exists() and bool(existing.objects),
        state_path="" if record else next(iter(existing.state_paths), ""),
        busy=lock.is_held(state.lock_file(root, name)),
        alive=existing.alive,
        running=existing.running,
        containers=len(existing.services),
        volumes=len(existing.volumes),
        ports=f"{block[0]}-{block[-1]}" if block else "",
        used=max(last_up.last_written(state.folder_of(root, name)), existing.used),
    )


def _slots(ports: Iterable[int]) -> Iterator[int]:
    return (slot for port in sorted(ports) if (slot := port_blocks.slot_of(port)) is not None)
