"""timings: returns where the time of the last ``up`` went, and its critical path."""

from __future__ import annotations

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.timing import Span, critical_path
from nexusdev.results import Result


class TimingsResult(Result, frozen=True, kw_only=True):
    """The spans of the last ``up``.

    Attributes:
        spans: Every span, as it was recorded.
        critical: Names of the spans on the critical path.
    """

    spans: tuple[Span, ...]
    critical: frozenset[str]

    @property
    def total(self) -> float:
        """The duration of the ``up``, in seconds."""
        return max((span.ended for span in self.spans), default=0.0)


def timings(context: Context) -> TimingsResult:
    """Return the spans of the last ``up``.

    Raises:
        NotFound: There was no ``up`` yet.
    """
    instance = context.instance()
    spans = last_up.read_timings(instance.folder)
    return TimingsResult(
        instance=instance.name, spans=spans, critical=frozenset(span.name for span in critical_path(spans))
    )
