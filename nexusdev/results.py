"""The base of all results of commands."""

from __future__ import annotations

from msgspec import Struct

from nexusdev.errors import NexusError


class Result(Struct, frozen=True, kw_only=True):
    """The facts of one operation: what it found and did. Each operation has its own subclass; ``cli.rendering`` shows it.

    Attributes:
        instance: Name of the instance; '' if the operation has none.
        warnings: Problems that are no failure (stderr, and the envelope).
        error: Why the operation ends with a failure although it has a result.
    """

    instance: str = ""
    warnings: tuple[str, ...] = ()
    error: NexusError | None = None
