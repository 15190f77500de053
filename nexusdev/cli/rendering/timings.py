"""What ``timings`` shows."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.cli.output import Rendered, Table, Text
from nexusdev.deploy.timing import Span, as_data
from nexusdev.operations.timings import TimingsResult

_BAR, _NAME = 30, 64
# Spans shorter than this many seconds are left out, unless they are on the critical path.
_WORTH_TELLING = 0.05


def _timings(result: TimingsResult) -> Rendered:
    critical, total = result.critical, result.total
    shown = [span for span in ordered(result.spans) if span.name in critical or span.seconds >= _WORTH_TELLING]
    rows = tuple(
        (
            Text("*" if span.name in critical else " ", "warn"),
            Text(shortened(span.name), "strong" if span.name in critical else "plain"),
            f"{span.seconds:6.2f}",
            bar(span, total),
        )
        for span in shown
    )
    table = Table(columns=("", "what", "seconds", f"0 to {total:.1f} s"), rows=rows)
    return Rendered(data=as_data(result.spans), output=(table, "* critical path"))


def ordered(spans: Sequence[Span]) -> list[Span]:
    """By their beginning, the longer one first."""
    return sorted(spans, key=lambda span: (span.began, -span.seconds))


def shortened(name: str, width: int = _NAME) -> str:
    """A name that leaves room for the other columns."""
    return name if len(name) <= width else f"{name[: width - 1]}…"


def bar(span: Span, total: float, width: int = _BAR) -> str:
    """The span as a piece of a line."""
    if total <= 0:
        return ""
    left = round(span.began / total * width)
    length = max(1, round(span.seconds / total * width))
    return " " * min(left, width - 1) + "━" * min(length, width - min(left, width - 1))


RENDERERS = {TimingsResult: _timings}
