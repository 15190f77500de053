"""One phase of an ``up``: measured, and reported to the listener."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from nexusdev.context import Context
from nexusdev.deploy.timing import Stopwatch
from nexusdev.events import PhaseBegan, PhaseEnded


@contextmanager
def phase(context: Context, watch: Stopwatch, name: str, *, after: Sequence[str] = ()) -> Iterator[None]:
    """Measure the block as a span.

    Args:
        context: Provides the clock and the listener.
        watch: Collects the span.
        name: Name of the phase, such as ``prepare``.
        after: Spans that had to end before.
    """
    began = context.clock.now()
    context.listener.tell(PhaseBegan(phase=name))
    with watch.span(name, after=after):
        yield
    context.listener.tell(PhaseEnded(phase=name, seconds=context.clock.now() - began))
