"""timings: shows where the time of the last ``up`` went, and its critical path."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.timing import Span, critical_path, from_data
from nexusdev.results import Outcome, Table, Text

_BAR, _NAME = 30, 64
# Below this a span only makes the table longer, unless it is on the critical path.
_WORTH_TELLING = 0.05


def timings(context: Context) -> Outcome:
    """The spans of the last ``up`` in the order of time; those that decided its length are marked."""
    instance = context.instance()
    data = last_up.read_timings(instance.folder)
    spans = from_data(data)
    critical = {span.name for span in critical_path(spans)}
    total = max((span.ended for span in spans), default=0.0)
    shown = [span for span in ordered(spans) if span.name in critical or span.seconds >= _WORTH_TELLING]
    rows = tuple(
        (
            Text("*" if span.name in critical else " ", "warn"),
            Text(shortened(span.name), "strong" if span.name in critical else "plain"),
            f"{span.seconds:6.2f}",
            bar(span, total),
        )
        for span in shown
    )
    output = (
        Table(columns=("", "what", "seconds", f"0 to {total:.1f} s"), rows=rows),
        "* critical path",
    )
    return Outcome(instance=instance.name, data=data, output=output)


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
