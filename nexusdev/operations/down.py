"""down: remove containers and network, keep data and settings."""

from __future__ import annotations

from nexusdev.operations.context import Context
from nexusdev.operations.outcome import Outcome
from nexusdev.operations.teardown import removed, take_down
from nexusdev.operations.turn import turn
from nexusdev.words import counted


def down(context: Context) -> Outcome:
    """By label alone: works with the state folder lost, with a stack that cannot be read, and without a project."""
    with turn(context, "nexusdev down"):
        plan = take_down(context, volumes=False)
    gone = removed(plan)
    words = (
        f"down: {counted(len(gone['containers']), 'container')} and the network are removed; the data is kept"
        if plan
        else "nothing to do: nothing of this instance runs"
    )
    return Outcome(instance=context.identity.name, data={"removed": gone}, says=(words,))
