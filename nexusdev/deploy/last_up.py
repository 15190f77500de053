"""The record of the last ``up`` in the state folder: its components, the hashes of their seeds, and where the time went.

Only hints: whatever is lost or half written here costs a repetition of idempotent work and nothing else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field, json

from nexusdev.deploy.timing import Span, as_data
from nexusdev.errors import NotFound
from nexusdev.util.files import replace

_UP, _TIMINGS, _CHECKED = "up.json", "timings.json", "checked"


class LastUp(Struct, frozen=True, kw_only=True):
    """What the last ``up`` left behind.

    Attributes:
        seeded: Component that was brought up → a hash over all that its seeding depended on.
        profile: The part of the stack that was last asked for, '' before the first time.
        absent: Optional service that was left out → why.
    """

    seeded: Mapping[str, str] = field(default_factory=dict)
    profile: str = ""
    absent: Mapping[str, str] = field(default_factory=dict)


class _Timings(Struct, frozen=True, kw_only=True):
    """What is read of timings.json: the rest follows from the spans."""

    spans: tuple[Span, ...]


def read(folder: Path) -> LastUp:
    """The record of the last ``up``; an empty one where none can be read."""
    try:
        return json.decode((folder / _UP).read_bytes(), type=LastUp)
    except (OSError, ValueError):
        return LastUp()


def write(folder: Path, last_up: LastUp) -> None:
    """Remember."""
    replace(folder / _UP, json.encode(last_up) + b"\n")


def last_written(folder: Path) -> float:
    """When an ``up`` last left something behind, in seconds since the epoch; 0.0 where none did."""
    times = [0.0]
    for name in (_UP, _TIMINGS):
        with contextlib.suppress(OSError):
            times.append((folder / name).stat().st_mtime)
    return max(times)


def read_checked(root: Path) -> str:
    """A hash over the files of components in which nothing was wrong when they were last checked, by whichever instance; '' where none is known."""
    try:
        return (root / _CHECKED).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def write_checked(root: Path, fingerprint: str) -> None:
    """Remember that. It belongs to the installation, not to an instance: what one has tried, the next need not."""
    replace(root / _CHECKED, f"{fingerprint}\n")


def write_timings(folder: Path, spans: Sequence[Span]) -> None:
    """Keep the spans of the last ``up``."""
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
