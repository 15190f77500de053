"""Formats lists, numbers, sizes and times for people."""

from __future__ import annotations

import math
from collections.abc import Collection


def join_names(names: Collection[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *others, last = names or ("",)
    return f"{', '.join(others)} and {last}" if others else last


def pluralize(number: int, noun: str) -> str:
    """``1 container``, ``3 containers``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def duration(seconds: float) -> str:
    """``0.4 s``, ``48 s``, ``3 min 5 s``."""
    if seconds < 10:  # noqa: PLR2004 - below this, tenths matter
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def duration_ago(seconds: float) -> str:
    """``less than a minute``, ``5 minutes``, ``3 hours``, ``12 days``: how long ago something was, roughly."""
    for size, noun in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return pluralize(int(seconds // size), noun)
    return "less than a minute"


def file_size(count: int) -> str:
    """``87 MB``, ``1.4 GB``: so many bytes, in powers of ten."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"  # noqa: PLR2004 - a gigabyte


def number(value: float) -> str:
    """``42``, ``0.00331``, ``1.5e+16``; what is no number in Prometheus's words: ``NaN``, ``+Inf``."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.6g}"  # noqa: PLR2004 - the precision of a float


def si(value: float) -> str:
    """Three digits that count: ``0.25``, ``12.3``, ``1.23k``, ``512M``."""
    if not math.isfinite(value):
        return number(value)
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"
