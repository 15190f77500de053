"""version: prints the versions of nexusdev, Python, the engine and the products of the stack."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from nexusdev import __version__
from nexusdev.context import Context
from nexusdev.errors import NexusError
from nexusdev.results import Result


class VersionResult(Result, frozen=True, kw_only=True):
    """The versions that a bug report needs.

    Attributes:
        nexusdev: Version of this package.
        python: Version of Python.
        system: Operating system with its version.
        engine: Version of the engine, or ``none:`` and why.
        stack: Image → version.
    """

    nexusdev: str
    python: str
    system: str
    engine: str
    stack: Mapping[str, str]


def version(context: Context) -> VersionResult:
    """Return all versions that a bug report needs. Works without an engine."""
    return VersionResult(
        nexusdev=__version__,
        python=platform.python_version(),
        system=platform.platform(),
        engine=_engine(context),
        stack=_stack(context),
    )


def _engine(context: Context) -> str:
    try:
        return context.provider.facts().version
    except NexusError as error:
        return f"none: {error.message}"


def _stack(context: Context) -> dict[str, str]:
    """Return image → version from the lockfile."""
    from nexusdev.images.lockfile import load

    lock = load(context.compose.parent / "images.lock.yaml")
    return {name: lock.images[name].version for name in lock.runnable}
