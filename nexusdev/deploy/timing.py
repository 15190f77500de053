"""Measures an ``up``: spans with what they waited for, and the critical path through them. Pure but for the clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from nexusdev.util.clock import Clock


class Span(Struct, frozen=True, kw_only=True):
    """A measured period of time.

    Attributes:
        name: ``prepare``, ``start redis-0``, ``postgres: no member is primary yet``.
        kind: ``prepare``, images, plan, create, start, wait, seed, prove, write.
        began: Start, in seconds since ``up`` began.
        ended: End, in seconds since ``up`` began.
        after: Names of the spans that had to end before.
    """

    name: str
    kind: str
    began: float
    ended: float
    component: str = ""
    after: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Stopwatch(Struct, kw_only=True):
    """Collects spans from all threads."""

    clock: Clock
    spans: list[Span] = field(default_factory=list)
    _zero: float = -1.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._zero = self.clock.now()

    @contextmanager
    def span(self, name: str, *, kind: str = "", component: str = "", after: Sequence[str] = ()) -> Iterator[None]:
        """Measure the block as a span.

        Args:
            name: Name of the span.
            kind: Kind of the span; see ``Span``.
            component: Component that the span belongs to; '' for none.
            after: Names of the spans that had to end before.
        """
        began = self.clock.now()
        try:
            yield
        finally:
            self.add(name, kind=kind or name, began=began, ended=self.clock.now(), component=component, after=after)

    def add(
        self, name: str, *, kind: str, began: float, ended: float, component: str = "", after: Sequence[str] = ()
    ) -> None:
        """Add a span.

        Args:
            name: Name of the span.
            kind: Kind of the span; see ``Span``.
            began: Start, by the clock, in seconds.
            ended: End, by the clock, in seconds.
            component: Component that the span belongs to; '' for none.
            after: Names of the spans that had to end before.
        """
        span = Span(
            name=name,
            kind=kind,
            began=began - self._zero,
            ended=ended - self._zero,
            component=component,
            after=tuple(after),
        )
        with self._lock:
            self.spans.append(span)

    @property
    def elapsed(self) -> float:
        return self.clock.now() - self._zero


def critical_path(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Return the critical path: from the span that ended last back through the predecessor that delayed each span the longest.

    If a predecessor overlaps with a span (a wait that continues after seeding has begun), only the time before the span counts.
    """
    by_name = {span.name: span for span in spans}
    path: list[Span] = []
    current = max(spans, key=lambda span: span.ended, default=None)
    while current is not None and current not in path:
        path.append(current)
        at = current.began
        # A step that was retried has several spans of the same name; one that began later is no predecessor.
        named = [by_name[name] for name in current.after if name in by_name]
        before = [span for span in named if span.began < at or span.ended <= at]
        current = max(before, key=lambda span: (min(span.ended, at), span.began), default=None)
    return tuple(reversed(path))


def as_data(spans: Sequence[Span]) -> dict[str, Any]:
    """Return the spans in order of time and the names on the critical path, for timings.json and the JSON envelope."""
    ordered = sorted(spans, key=lambda span: (span.began, span.ended))
    critical = {span.name for span in critical_path(spans)}
    return {
        "total": max((span.ended for span in spans), default=0.0),
        "spans": [{**asdict(span), "seconds": span.seconds, "critical": span.name in critical} for span in ordered],
    }
