"""Gives an instance its ports and placement back if ``up`` fails before they are used."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nexusdev.context import Claimed
from nexusdev.env import stored
from nexusdev.instance.allocation import put_back
from nexusdev.instance.state import read_compose_env, read_record, restore_compose_env
from nexusdev.plan import Step


class PlacementGuard:
    """The ports, the placement and the interpolation variables that an instance had before a command.

    Args:
        folder: The state folder of the instance, which need not exist.
        claim_block: Claims a block of host ports; None if another process has it.
    """

    def __init__(self, folder: Path, claim_block: Callable[[int], Claimed | None]) -> None:
        self._folder = folder
        self._claim_block = claim_block
        self._claims: list[Claimed] = []
        self._record = read_record(folder)
        self._variables = read_compose_env(folder)
        self._guard = threading.Lock()
        self._used = False

    def begin(self, step: Step) -> None:
        """Note that a step begins. Thread-safe.

        The first step that makes a service uses the new ports, and any step a new placement. From then on they are kept, because going
        back would be another change: the next ``up`` continues with them.

        Args:
            step: The step.
        """
        with self._guard:
            now = read_record(self._folder) if self._record and not self._used else None
            if now is None or self._record is None:
                return
            moved, placed = now.slot != self._record.slot, now.net != self._record.net
            self._used = bool(step.images) or placed
            if self._used and (moved or placed):
                stored.forget(self._folder)

    def claim(self, slot: int) -> bool:
        """Claim a block of host ports until the command ends. Returns False if another process has it."""
        claimed = self._claim_block(slot)
        if claimed is not None:
            self._claims.append(claimed)
        return claimed is not None

    def close(self) -> None:
        """End the claims. The containers hold the ports now, or the ports are not needed."""
        for each in self._claims:
            each.close()

    def restore(self) -> None:
        """Restore what was there, unless it is used."""
        if self._record and not self._used:
            put_back(self._record, self._folder)
            restore_compose_env(self._folder, self._variables)


@contextmanager
def guarded_placement(folder: Path, claim_block: Callable[[int], Claimed | None]) -> Iterator[PlacementGuard]:
    """Restore ports and placement if the block raises before they are used.

    Args:
        folder: The state folder of the instance. The caller holds its lock.
        claim_block: See ``PlacementGuard``.

    Yields:
        The guard. Call ``begin`` for each step that begins.
    """
    guard = PlacementGuard(folder, claim_block)
    try:
        yield guard
    except BaseException:
        guard.restore()
        raise
    finally:
        guard.close()
