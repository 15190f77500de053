"""down: remove containers and network, keep data and settings."""

from __future__ import annotations

from nexusdev.context import Context
from nexusdev.deploy.teardown import removed, take_down
from nexusdev.deploy.turns import turn
from nexusdev.results import Outcome, Text
from nexusdev.util.humanize import pluralize


def down(context: Context) -> Outcome:
    """By label alone: works with the state folder lost, with a stack that cannot be read, and without a project."""
    with turn(context, "nexusdev down"):
        plan = take_down(context, volumes=False)
        runtime = context.runtime()
        kept = runtime.observe().volumes if plan else {}
    gone = removed(plan)
    words = (
        f"down: {pluralize(len(gone['containers']), 'container')} and the network are removed; the data is kept"
        if plan
        else "nothing to do: nothing of this instance runs"
    )
    return Outcome(
        instance=context.identity.name,
        data={"removed": gone},
        output=(words, *([Text(runtime.advice.kept_data, "dim")] if kept else [])),
    )
