"""s3cmd's arguments: https://s3tools.org/usage"""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.typed import names_stdin


def reads_stdin(arguments: Sequence[str]) -> bool:
    """Whether s3cmd would read: an object or a list from ``-``, which is the standard output for ``get``, and where it asks."""
    if "--configure" in arguments:
        return True
    if "get" in arguments:
        before = ("", *arguments)
        arguments = [
            each for last, each in zip(before, arguments, strict=False) if each != "-" or last.endswith("-from")
        ]
    return names_stdin(arguments)
