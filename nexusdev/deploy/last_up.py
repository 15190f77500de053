"""The record of the last ``up`` in the state folder: its components, the hashes of their seeds, and its timings.

The record is only a hint: if it is lost or incomplete, idempotent work is repeated and nothing else.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field, json

from nexusdev.deploy.timing import Span, as_data
from nexusdev.errors import NotFound
from nexusdev.util.files import replace

_UP, _TIMINGS, _CHECKED = "up.json", "timings.json", "checked"


class LastUp(Struct, frozen=True, kw_only=True):
    """The record of the last ``up``.

    Attributes:
        seeded: Component that was started → hash over everything that its seeding depended on.
        profile: The profile that was last requested; '' before the first time.
        absent: Optional service that was left out → why.
    """

    seeded: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)


class _Timings(Struct, frozen=True, kw_only=True):
    """The part of timings.json that is read; the rest is computed from the spans."""

    spans: tuple[Span, ...]


def read(folder: Path) -> LastUp:
    """Return the record of the last ``up``; an empty one if none can be read."""
    try:
        return json.decode((folder / _UP).read_bytes(), type=LastUp)
    except (OSError, ValueError):
        return LastUp()


def write(folder: Path, last_up: LastUp) -> None:
    """Write the record of the last ``up``."""
    replace(folder / _UP, json.encode(last_up) + b"\n")


def note_use(folder: Path) -> None:
    """Let the instance count as used now, after a command that recorded nothing new. Does nothing if the folder cannot be written."""
    with contextlib.suppress(OSError):
        os.utime(folder / _UP)


def last_written(folder: Path) -> float:
    """Return the time of the last ``up`` or other use, in seconds since the epoch; 0.0 if there is none."""
    times = [0.0]
    for name in (_UP, _TIMINGS):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def read_checked(root: Path) -> str:
    """Return the hash over the component files that were valid in the last check of any instance; '' if none is known."""
    try:
        return (root / _CHECKED).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def write_checked(root: Path, fingerprint: str) -> None:
    """Record the hash of valid files. It belongs to the installation, so other instances need not repeat the checks."""
    replace(root / _CHECKED, f"{fingerprint}\n")


def write_timings(folder: Path, spans: Sequence[Span]) -> None:
    """Write the spans of the last ``up``."""
    replace(folder / _TIMINGS, json.encode(as_data(spans)) + b"\n")


def read_timings(folder: Path) -> tuple[Span, ...]:
    """Return the spans of the last ``up``.

    Raises:
        NotFound: There is no record of an ``up`` that can be read.
    """
    try:
        return json.decode((folder / _TIMINGS).read_bytes(), type=_Timings).spans
    except (OSError, ValueError):
        raise NotFound("no timings yet", why="timings are recorded by nexusdev up", hint="nexusdev up") from None
