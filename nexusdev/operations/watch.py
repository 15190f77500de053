"""watch: fences leading servers that have ended, until it is interrupted."""

from __future__ import annotations

from nexusdev.components.drills import Fences, Fencing
from nexusdev.context import Context
from nexusdev.deploy.fencing import Watcher
from nexusdev.errors import NotFound
from nexusdev.events import Note
from nexusdev.util.humanize import join_names


def watch(context: Context) -> None:
    """Fence what ends, until the process is interrupted. Reports each exit that it considered.

    Raises:
        NotFound: There is no such instance, or it has no containers.
        PreflightFailed: The runtime does not answer.
    """
    instance = context.instance()
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack), stack)
    if not access.runtime.observe().services:
        raise NotFound(f"instance {instance.name} has no containers", hint="nexusdev up   create and start them")
    fenced = [each.title for each in context.components.values() if isinstance(each, Fences)]

    def ready() -> None:
        context.listener.tell(Note(text=f"watching {join_names(fenced)} of instance {instance.name}; Ctrl-C ends it"))

    Watcher(access, context.components, lambda done: context.listener.tell(_note(done))).run(ready)


def _note(done: Fencing) -> Note:
    return Note(text=f"{done.service} has ended: {done.done or f'nothing to fence, {done.why}'}")
