"""Instances whose data is in another engine, because machines share the home folder, or because another engine answers now.

The state of such an instance is here, and nothing of it is in the engine that answers. That looks like lost data or a leftover, and is
neither: creating the data again or removing the state would take the passwords from what runs there.
"""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

from nexusdev.context import Context
from nexusdev.errors import IdentityMismatch
from nexusdev.instance import volume_marks
from nexusdev.instance.paths import folder_of
from nexusdev.instance.volume_marks import Origin
from nexusdev.plan import Observation


def origin_here(context: Context) -> Origin:
    """Return the engine that answers, and this machine."""
    return Origin(engine=context.provider.facts().identity, machine=socket.gethostname())


def elsewhere(context: Context, folder: Path) -> Origin | None:
    """Return the engine in which volumes were last created, if it is not the one that answers; None if it is, or if that is unknown.

    Only meaningful if the engine that answers has nothing of the instance.

    Args:
        context: The context of the command.
        folder: The state folder of the instance.
    """
    origin = volume_marks.origin(folder)
    known = origin.engine and volume_marks.read(folder)
    return origin if known and context.provider.facts().identity not in ("", origin.engine) else None


def place(origin: Origin) -> str:
    """Return where an engine is, as it completes "the instance is …"."""
    return "elsewhere on this machine" if origin.machine == socket.gethostname() else f"on {origin.machine}"


def require_here(context: Context, observation: Observation, *, last: str = "") -> None:
    """Raise an error if the instance is in another engine. Asks nothing if this one has anything of it.

    Args:
        context: The context of the command.
        observation: What exists of the instance here.
        last: The last line of the hint: what to do if the other engine is gone; '' to remove the state.

    Raises:
        IdentityMismatch: Its data is in another engine (OTHER_ENGINE).
    """
    folder = folder_of(context.root, context.identity.name)
    if observation.anything:
        return
    if origin := elsewhere(context, folder):
        raise _refusal(
            context,
            origin,
            last or f"rm -r {shlex.quote(str(folder))}   forget it, only if its data there is gone for good",
        )


def _refusal(context: Context, origin: Origin, last: str) -> IdentityMismatch:
    name = context.identity.name
    there = "" if origin.machine == socket.gethostname() else f"run it on {origin.machine}\n"
    return IdentityMismatch(
        f"instance {name} is {place(origin)}",
        why="its data was created there, nothing of it is here, and both use this state folder",
        hint=f"{there}{context.runtime().advice.elsewhere}\n"
        f"nexusdev -i {name[:30]}-2 up   start an instance of your own here\n{last}",
        code="OTHER_ENGINE",
    )
