"""ls: lists every instance of this user and of this engine, wherever its project is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.deploy import last_up, other_engine
from nexusdev.errors import PreflightFailed
from nexusdev.instance import port_blocks, state
from nexusdev.instance.project_places import Place, Presence, Sight, look_for
from nexusdev.inventory import InstanceInventory, Inventory
from nexusdev.results import Result
from nexusdev.util import lock
from nexusdev.util.humanize import pluralize


class InstanceRow(Struct, frozen=True, kw_only=True):
    """One instance.

    Attributes:
        here: Whether it is the instance of this command.
        gone: Whether its project folder was certainly removed or renamed.
        folder: What is known about its project folder.
        folder_words: The same in words, as they complete "the folder …".
        state_path: Its state folder if it has none in this state root; '' if it is here or unknown.
        busy: Whether a command of nexusdev uses the instance now.
        alive: Whether a container of it has a process, including paused ones.
        running: Number of its running containers.
        containers: Number of its containers.
        volumes: Number of its volumes.
        elsewhere: Where its containers and data are if another engine has them, as ``on tower``; '' otherwise.
        ports: Its host ports, as ``21000-21099``; '' if it has none.
        used: Time of its last use, in seconds since the epoch; 0.0 if unknown.
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
    elsewhere: str = ""
    ports: str = ""
    used: float = 0.0

    @property
    def state(self) -> str:
        """The state of the instance in words."""
        if self.elsewhere:
            return self.elsewhere
        if not self.containers:
            return "down, data kept" if self.volumes else "down"
        if self.running == self.containers:
            return f"running ({pluralize(self.running, 'container')})"
        return f"{self.running} of {self.containers} running" if self.running else "stopped"

    @property
    def idle_for_good(self) -> bool:
        """Whether its containers are unused: its folder is gone, no container has a process, and no command uses the instance."""
        return self.gone and not self.alive and not self.busy


class ListResult(Result, frozen=True, kw_only=True):
    """All instances by name.

    Attributes:
        known: Whether the engine answered, so that the running containers are known.
    """

    instances: tuple[InstanceRow, ...]
    known: bool


def ls(context: Context) -> ListResult:
    """List the instances from the state folders and the engine's labels. Without an engine: from the state folders, with a warning."""
    warnings: tuple[str, ...] = ()
    inventory = Inventory()
    known = True
    try:
        inventory = context.provider.inventory()
    except PreflightFailed as error:
        warnings = (f"the runtime does not answer; running containers are unknown: {error.message}",)
        known = False
    found = [
        _placed(context, each) if known else each
        for each in rows(inventory, context.root, current=context.identity.name)
    ]
    return ListResult(instance=context.identity.name, instances=tuple(found), known=known, warnings=warnings)


def _placed(context: Context, row: InstanceRow) -> InstanceRow:
    if row.containers or row.volumes:
        return row
    origin = other_engine.elsewhere(context, state.folder_of(context.root, row.name))
    return replace(row, elsewhere=other_engine.place(origin)) if origin else row


def rows(inventory: Inventory, root: Path, *, current: str = "") -> list[InstanceRow]:
    """Return one row per instance, by name."""
    records = {record.name: record for record in state.records(root)}
    names = sorted({*records, *inventory.instances, *(folder.name for folder in state.instances(root))})
    return [row(name, records.get(name), inventory.of(name), root, current) for name in names]


def row(
    name: str, record: state.Record | None, existing: InstanceInventory, root: Path, current: str = ""
) -> InstanceRow:
    """Return the row of one instance.

    Args:
        name: The instance.
        record: Its record; None if it has no state here.
        existing: Its resources in the runtime.
        root: The folder of all instances.
        current: The instance of this command; '' if there is none.
    """
    owner = record.owner if record else next(iter(existing.owners), "")
    slot = record.slot if record else next(_slots(existing.ports), None)
    block = port_blocks.block_of(slot) if slot is not None else None
    state_path = "" if record else next(iter(existing.state_paths), "")
    home = root_of(name, state_path, root)
    sight = look_for(Path(owner), record.place if record else Place()) if owner else Sight(presence=Presence.UNKNOWN)
    return InstanceRow(
        name=name,
        project=owner,
        here=name == current,
        gone=sight.presence is Presence.GONE,
        folder=sight.presence.value,
        folder_words=sight.why,
        stateless=not (state.folder_of(root, name) / "instance.json").exists() and bool(existing.objects),
        state_path=state_path,
        busy=lock.is_held(state.lock_file(root, name)) or lock.is_held(state.lock_file(home, name)),
        alive=existing.alive,
        running=existing.running,
        containers=len(existing.services),
        volumes=len(existing.volumes),
        ports=f"{block[0]}-{block[-1]}" if block else "",
        used=max(last_up.last_written(state.folder_of(home, name)), existing.used),
    )


def root_of(name: str, state_path: str, root: Path) -> Path:
    """Return the folder of all instances in which an instance has its state now.

    Args:
        name: The instance.
        state_path: Its state folder as its resources tell; '' if they do not.
        root: The result if there is no such folder.
    """
    told = Path(state_path)
    if len(told.parents) > 1 and told == state.folder_of(told.parents[1], name):
        with contextlib.suppress(OSError):  # of another user
            return told.parents[1] if told.is_dir() else root
    return root


def _slots(ports: Iterable[int]) -> Iterator[int]:
    return (slot for port in sorted(ports) if (slot := port_blocks.slot_of(port)) is not None)
