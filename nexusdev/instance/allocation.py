"""Allocates what no two instances may share: host ports and the runtime's placement. Writes the records that hold them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from nexusdev.instance import port_blocks, state
from nexusdev.instance.identity import Identity
from nexusdev.instance.project_places import place_of
from nexusdev.instance.state import Record
from nexusdev.inventory import Inventory
from nexusdev.util import files

#: Port of this machine → whether a process listens on it.
PortCheck = Callable[[int], bool]

#: Number of a port block → whether this command claimed it; False if another process did.
Claim = Callable[[int], bool]

#: (number of the port block, placements of other instances) → what a new instance needs of the runtime; see RuntimeProvider.placement.
Placement = Callable[[int, Collection[str]], str]


class InstanceAllocator(Struct, frozen=True, kw_only=True):
    """What an allocation must avoid, and how it claims what it chose.

    Attributes:
        root: The folder of all instances.
        inventory: The resources in the runtime.
        port_taken: Returns whether a port of this machine is in use.
        claim: Claims a chosen port block for this command.
    """

    root: Path
    inventory: Inventory
    port_taken: PortCheck = port_blocks.is_taken
    claim: Claim = lambda _: True

    def create(
        self,
        identity: Identity,
        *,
        placement: Placement,
        rootless: bool,
        runtime: str,
        single: str = "",
        in_memory: bool = False,
    ) -> Record:
        """Write the record of a new instance, with a free port block and a free placement.

        Args:
            identity: Its name and project folder.
            placement: Chooses what it needs of the runtime besides its ports.
            rootless: Whether the engine is rootless, which changes the owner of mounted files.
            runtime: Name of its runtime.
            single: The profile with single servers that its stack is derived from; '' for the whole stack.
            in_memory: Whether its data is in memory.
        """
        import secrets

        uid, gid = state.container_user(self.root, rootless=rootless)
        folder = state.folder_of(self.root, identity.name)
        with _allocation(self.root):
            slot, others = self._free_slot(identity.name)
            record = Record(
                name=identity.name,
                owner=str(identity.project),
                slot=slot,
                net=placement(slot, [each.net for each in others]),
                nonce=secrets.token_hex(16),
                uid=uid,
                gid=gid,
                created_at=datetime.now(UTC).isoformat(timespec="seconds"),
                runtime=runtime,
                single=single,
                in_memory=in_memory,
                **_place(identity.project),
            )
            files.make_folder(folder)
            state.write_record(folder, record)
        return record

    def move_ports(self, record: Record) -> Record:
        """Write the record with another port block and the same placement, and return it."""
        with _allocation(self.root):
            slot, _ = self._free_slot(record.name, but=record.slot)
            moved = replace(record, slot=slot)
            state.write_record(state.folder_of(self.root, record.name), moved)
        return moved

    def _free_slot(self, name: str, *, but: int | None = None) -> tuple[int, list[Record]]:
        """Claim a port block that is unused in the state and in the runtime. Returns it with the records of the other instances."""
        others = [record for record in state.records(self.root) if record.name != name]
        used = {record.slot for record in others} | {but}
        used |= {
            port_blocks.slot_of(port)
            for each in self.inventory.instances.values()
            if each.name != name
            for port in each.ports
        }
        known = {each for each in used if each is not None}
        while not self.claim(slot := port_blocks.choose_slot(known, self.port_taken)):
            known.add(slot)
        return slot, others


def move_placement(record: Record, placement: Placement, *, root: Path) -> Record:
    """Write the record with another placement and the same ports, and return it.

    Raises:
        PreflightFailed: None is free.
    """
    with _allocation(root):
        others = [each.net for each in state.records(root) if each.name != record.name]
        moved = replace(record, net=placement(record.slot, [*others, record.net]))
        state.write_record(state.folder_of(root, record.name), moved)
    return moved


def put_back(before: Record, folder: Path) -> None:
    """Restore the previous ports and placement, after a command that changed them failed before it changed anything else."""
    now = state.read_record(folder)
    if now and (now.slot, now.net) != (before.slot, before.net):
        state.write_record(folder, replace(now, slot=before.slot, net=before.net))


def with_current_place(record: Record, folder: Path) -> Record:
    """Return the record with the current place of the owner, which changes with a reboot on some file systems. Written if it changed."""
    placed = replace(record, **_place(Path(record.owner)))
    if placed != record:
        state.write_record(folder, placed)
    return placed


def _place(project: Path) -> dict[str, Any]:
    """Return the record's fields with the place of the owner's folder; empty for a folder that cannot be read."""
    try:
        return asdict(place_of(project))
    except OSError:
        return {}


@contextlib.contextmanager
def _allocation(root: Path) -> Iterator[None]:
    """Hold the lock for the allocation: two instances that start at the same time must not get the same ports."""
    from nexusdev.util import lock

    patience = lock.Patience(seconds=30)
    with lock.hold(
        root / "allocation.lock", subject="the choice of a port block", command="nexusdev up", patience=patience
    ):
        yield
