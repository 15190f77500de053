"""Rows of the scorecard that ``verify`` measures: figures with a target, and security controls with their evidence.

A component that implements ``HasScores`` declares its own rows. Nothing here is asserted: each row is measured or tried on the running instance.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from nexusdev.interfaces import InstanceAccess


class ScoreBench(Struct, frozen=True, kw_only=True):
    """What measurements get.

    Attributes:
        access: The instance.
        values: The variables of the env file, with which clients work.
        quick: Whether to take a tenth of the samples.
    """

    access: InstanceAccess
    values: Mapping[str, str]
    quick: bool = False

    def count(self, samples: int) -> int:
        """Return how many samples to take instead of these."""
        return max(samples // 10, 10) if self.quick else samples


class Measured(Struct, frozen=True, kw_only=True):
    """One measurement.

    Attributes:
        value: The figure.
        samples: How many operations it is made of.
        details: Further figures, in words: name → figure.
        limit: What limits it; '' if nothing is known to.
    """

    value: float
    samples: int
    details: Mapping[str, str] = field(default_factory=dict)
    limit: str = ""


class Score(Struct, frozen=True, kw_only=True):
    """A figure of the scorecard.

    Attributes:
        name: What users type: ``vault-response``.
        title: What it is.
        unit: ``s``, ``ms``, ``%``, ``MB/s``, or '' for a number of things.
        target: The worst value that meets the target; None if nothing is promised.
        at_least: Whether larger values are better.
        production: What production promises, in its own words; '' for nothing.
        method: How it is measured, in a sentence.
        measure: Measures it. Raises OSError, or what the client library raises, if it cannot.
    """

    name: str
    title: str
    unit: str
    method: str
    measure: Callable[[ScoreBench], Measured]
    target: float | None = None
    at_least: bool = False
    production: str = ""

    def met(self, value: float | None) -> bool:
        """Return whether a value meets the target. What has no target always does; what could not be measured never does."""
        if value is None:
            return False
        if self.target is None:
            return True
        return value >= self.target if self.at_least else value <= self.target


class ControlResult(Struct, frozen=True, kw_only=True):
    """What a security control found.

    Attributes:
        passed: Whether everything is as it should be.
        evidence: What was tried and what came of it.
    """

    passed: bool
    evidence: str


class Control(Struct, frozen=True, kw_only=True):
    """A security control.

    Attributes:
        name: What users type: ``loopback-only``.
        title: What should hold.
        check: Tries it. Raises OSError, or what the client library raises, if it cannot.
    """

    name: str
    title: str
    check: Callable[[ScoreBench], ControlResult]


@runtime_checkable
class HasScores(Protocol):
    """A component with rows of the scorecard."""

    def scores(self) -> Sequence[Score]:
        """Return its figures."""

    def controls(self) -> Sequence[Control]:
        """Return its security controls."""


#: A user of a system: what it does again and again, while its connection is open.
UserSession = AbstractAsyncContextManager[Callable[[], Awaitable[object]]]


@runtime_checkable
class HasUsers(Protocol):
    """A component whose servers many users work with at once."""

    name: str

    def user_session(self, values: Mapping[str, str]) -> UserSession:
        """Connect as one user.

        Args:
            values: The variables of the env file.
        """


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the smallest sample that at least this share of all samples does not exceed (nearest rank).

    Args:
        samples: At least one.
        share: From 0 to 1.
    """
    ordered = sorted(samples)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def in_milliseconds(samples: Sequence[float]) -> Mapping[str, str]:
    """Return p50, p95 and p99 of samples in seconds, as words."""
    return {f"p{share}": f"{percentile(samples, share / 100) * 1000:.1f} ms" for share in (50, 95, 99)}


def refusals(tried: Mapping[str, Callable[[], object]], expected: tuple[type[Exception], ...]) -> ControlResult:
    """Try what must not succeed.

    Args:
        tried: What is tried, in words → the attempt.
        expected: The errors of a refusal. Any other error is raised.
    """
    allowed = []
    for words, attempt in tried.items():
        try:
            attempt()
        except expected:
            continue
        allowed.append(words)
    if allowed:
        return ControlResult(passed=False, evidence=f"allowed: {', '.join(allowed)}")
    return ControlResult(passed=True, evidence=f"refused: {', '.join(tried)}")
