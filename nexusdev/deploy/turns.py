"""Whose turn it is: one command at a time changes an instance, and most of them wait for the one before.

up, start, stop, restart, down, seed, secrets rotate     wait for any other, within ``--timeout``
env --write                                              waits too, and shares the lock with its like
destroy                                                  waits for what takes down; beside anything else it fails at once
gc                                                       never waits: what is busy stays for the next time
all others                                               need no lock
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nexusdev.events import LockAwaited, LockTaken
from nexusdev.instance.instance import locked

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.util.lock import Held, Holder

TAKING_DOWN = frozenset({"nexusdev destroy", "nexusdev down", "nexusdev stop", "nexusdev gc"})


def anybody(_: Holder) -> bool:
    """Wait for every command."""
    return True


def what_takes_down(holder: Holder) -> bool:
    """Wait for these only: nothing that somebody is building up is thrown away unasked."""
    return holder.command in TAKING_DOWN


def its_like(holder: Holder) -> bool:
    """Wait for another renewal only: beside all else the proof has its own words."""
    return holder.command == "nexusdev env"


@contextmanager
def turn(
    context: Context, command: str, *, shared: bool = False, beside: Callable[[Holder], bool] = anybody
) -> Iterator[Held]:
    """Hold the instance's lock; wait for it within the timeout, and say once for whom.

    Args:
        context: Whose instance, how long at most, who hears of the waiting.
        command: What this command is called, as it is typed: ``nexusdev up``.
        shared: Others that share it too may go on.
        beside: For whom to wait; beside any other this fails at once.

    Yields:
        The lock; ``waited`` is the part of the timeout that is spent.

    Raises:
        Locked: Somebody else works on the instance (exit 14).
    """
    from nexusdev.util.lock import Patience

    def tell(holder: Holder | None) -> None:
        context.listener.tell(LockAwaited(holder=holder.who if holder else "another command"))

    seconds = context.settings.timeout
    longer = f"{command} --timeout {max(2 * seconds, 60):.0f}   wait longer"
    patience = Patience(seconds=seconds, beside=beside, longer=longer, tell=tell, clock=context.clock)
    with locked(context.identity, command, root=context.root, shared=shared, patience=patience) as held:
        if held.waited:
            context.listener.tell(LockTaken(seconds=held.waited))
        yield held
