"""Durations as text: what people type, and what Compose files may contain."""

from __future__ import annotations

import math
import re

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
# compiled at its first use: the fast path of `env` imports this module if a timeout with a unit is configured
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_PART = rf"({_NUMBER})\s*(ms|[smhdwy])\s*"
_COMPOSE = rf"(?:{_NUMBER}(?:ms|[smh]))+"


def parse(text: str) -> float:
    """Return the seconds of a duration such as ``90s``, ``10m``, ``1h30m``, ``2d``, or of a plain number of seconds.

    Units are ms, s, m, h, d, w and y (365 days). Spaces may surround numbers and units.

    Raises:
        ValueError: The text is no such duration.
    """
    text = text.strip()
    return _finite(float(text)) if re.fullmatch(_NUMBER, text) else parse_with_units(text)


def parse_with_units(text: str) -> float:
    """Return the seconds of a duration as ``parse`` does, but refuse a number without a unit.

    Raises:
        ValueError: The text is no such duration.
    """
    text = text.strip()
    if not text or re.sub(_PART, "", text):
        raise ValueError(f"invalid duration: {text!r}")
    return _finite(sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text)))


def parse_compose(text: str) -> float:
    """Return the seconds of a duration in a Compose file: units ms, s, m and h, without spaces.

    Raises:
        ValueError: The text is no such duration.
    """
    if not re.fullmatch(_COMPOSE, text):
        raise ValueError(f"invalid duration: {text!r}")
    return parse_with_units(text)


def _finite(seconds: float) -> float:
    if not math.isfinite(seconds):
        raise ValueError("the duration is too long")
    return seconds
