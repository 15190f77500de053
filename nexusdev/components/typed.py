"""Decides whether the arguments of a product's own client make it read standard input.

A client whose arguments give it nothing to read must not get the caller's input: it would swallow the rest of a script or of a loop.
"""

from __future__ import annotations

from collections.abc import Sequence

_FILES = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")


def names_stdin(arguments: Sequence[str]) -> bool:
    """Whether an argument is the standard input by one of its names: ``-``, ``key=-``, ``/dev/stdin``."""
    return any(each == "-" or each.endswith("=-") or each.endswith(_FILES) for each in arguments)
