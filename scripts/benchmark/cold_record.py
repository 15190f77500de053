"""What a first `make up` or `make images` cost, read from its own output: `(time make up) 2>&1 | tee FILE`. Pure.

A first run takes as long as the images are built, and only on a machine that has none of them. Whoever has just had one keeps its
output instead of having another.
"""

from __future__ import annotations

import re

from msgspec import Struct

_BUILT = re.compile(r"^image (minio|vault): built \((\d+) s\)$", re.MULTILINE)
_TOTAL = re.compile(r"^real\s+(\d+)m([\d.]+)s$", re.MULTILINE)
_READY = re.compile(r"^ready after ", re.MULTILINE)


class Record(Struct, frozen=True, kw_only=True):
    """Seconds. ``go_builds``: until the later of the two Go builds was done; they run side by side. ``command``: what was run."""

    command: str
    total: float
    go_builds: float


def parse(text: str) -> Record:
    """Read the output of a first run.

    Args:
        text: stdout and stderr of the command, with the lines of the shell's ``time``.

    Raises:
        ValueError: a Go build was not part of the run, or its time is missing.
    """
    built = {name: float(seconds) for name, seconds in _BUILT.findall(text)}
    total = _TOTAL.search(text)
    if missing := {"minio", "vault"} - built.keys():
        raise ValueError(f"the record does not show that it built {' and '.join(sorted(missing))}")
    if total is None:
        raise ValueError("the record does not end with the lines of `time`: (time make up) 2>&1 | tee FILE")
    return Record(
        command="make up" if _READY.search(text) else "make images",
        total=int(total[1]) * 60 + float(total[2]),
        go_builds=max(built.values()),
    )
