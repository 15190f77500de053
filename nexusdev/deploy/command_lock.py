"""The lock that a command holds on an instance: only one command at a time changes it, and most commands wait for the current one.

- up, start, stop, restart, down, seed, reset, secrets rotate: wait for any other command, within ``--timeout``.
- env --write: waits too, and shares the lock with other ``env --write`` commands.
- lease, and the pytest plugin while it makes or drops a lease: wait too, and share the lock with each other and with ``env --write``.
- destroy: waits for commands that remove or stop the instance; with any other it fails at once.
- gc: never waits; an instance in use is kept until the next time. To drop expired leases, it shares the lock.
- All other commands need no lock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nexusdev.events import LockAwaited, LockTaken
from nexusdev.instance import interruptions
from nexusdev.instance.instance import locked
from nexusdev.instance.paths import folder_of

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.util.lock import Held, Holder

REMOVING = frozenset({"nexusdev destroy", "nexusdev down", "nexusdev stop", "nexusdev gc"})


def any_command(_: Holder) -> bool:
    """Wait for every command."""
    return True


def removes_instance(holder: Holder) -> bool:
    """Wait only for commands that remove or stop the instance, so that a running ``up`` is not destroyed without confirmation."""
    return holder.command in REMOVING


def is_env(holder: Holder) -> bool:
    """Wait only for another ``env``. With any other command running, the failed proof is reported instead."""
    return holder.command == "nexusdev env"


@contextmanager
def hold_lock(
    context: Context, command: str, *, shared: bool = False, beside: Callable[[Holder], bool] = any_command
) -> Iterator[Held]:
    """Hold the instance's lock. Waits for it within the timeout, and reports once which command holds it.

    Args:
        context: Provides the instance, the timeout, and the listener that is notified while waiting.
        command: This command as it is typed: ``nexusdev up``.
        shared: Whether other commands that share the lock may hold it at the same time.
        beside: Returns whether to wait for the current holder. If it returns False, the call fails at once.

    Yields:
        The lock; ``waited`` is the part of the timeout that was spent, in seconds.

    Raises:
        Locked: Another command changes the instance (exit 14).
        InvalidState: A reset or a restore was interrupted and is not finished (exit 12).
    """
    from nexusdev.util.lock import Patience

    def tell(holder: Holder | None) -> None:
        context.listener.tell(LockAwaited(holder=holder.who if holder else "another command"))

    seconds = context.settings.timeout
    longer = f"{command} --timeout {max(2 * seconds, 60):.0f}   wait longer"
    patience = Patience(seconds=seconds, beside=beside, longer=longer, tell=tell, clock=context.clock)
    with locked(context.identity, command, root=context.root, shared=shared, patience=patience) as held:
        interruptions.require_none(folder_of(context.root, context.identity.name), command)
        if held.waited:
            context.listener.tell(LockTaken(seconds=held.waited))
        yield held
