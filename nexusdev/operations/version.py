"""version: prints the versions of nexusdev, Python, the engine and the products of the stack."""

from __future__ import annotations

import platform

from nexusdev import __version__
from nexusdev.context import Context
from nexusdev.errors import NexusError
from nexusdev.results import Outcome, Table


def version(context: Context) -> Outcome:
    """Everything that a report of a problem has to say about versions. Works without an engine."""
    rows = {"nexusdev": __version__, "python": platform.python_version(), "system": platform.platform()}
    try:
        rows["engine"] = context.provider.facts().version
    except NexusError as error:
        rows["engine"] = f"none: {error.message}"
    stack = _stack(context)
    return Outcome(
        data={**rows, "stack": stack},
        output=(Table(columns=("what", "version"), rows=(*rows.items(), *stack.items())),),
    )


def _stack(context: Context) -> dict[str, str]:
    """Image → version, from the lock alone."""
    from nexusdev.images.lockfile import load

    lock = load(context.compose.parent / "images.lock.yaml")
    return {name: image.version for name, image in lock.images.items() if not image.internal}
