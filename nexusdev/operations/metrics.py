"""metrics: runs a PromQL query for the current values or over a range of time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nexusdev.components.capabilities import MetricsClient, MetricsSource, Silent, TimeRange
from nexusdev.components.contract import Component
from nexusdev.context import Context
from nexusdev.errors import Degraded, NexusError, NotFound, UsageError
from nexusdev.plan import Phase
from nexusdev.results import Result
from nexusdev.util import durations
from nexusdev.util.nearest import nearest

#: The shortest scrape interval is 5 s, and a terminal shows no more points than this.
SHORTEST_STEP, _POINTS = 5.0, 240
_PATIENCE = 10.0
_PLAIN = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(\[[^\]]*\])?")


class MetricsResult(Result, frozen=True, kw_only=True):
    """The result of a query.

    Attributes:
        query: The PromQL expression.
        data: Prometheus's own format: ``resultType`` (vector, matrix, scalar, string) and ``result``.
        over: The range as it was given, such as 15m; None for the current values.
        time_range: The range; None for the current values.
        unknown_metric: The query if it is the bare name of a metric that does not exist, else ''.
        similar: The existing names that are most similar to it.
    """

    query: str
    data: Mapping[str, Any]
    over: str | None = None
    time_range: TimeRange | None = None
    unknown_metric: str = ""
    similar: tuple[str, ...] = ()


def metrics(
    context: Context,
    query: str,
    *,
    over: str | None = None,
    step: str | None = None,
) -> MetricsResult:
    """Run one PromQL query.

    Args:
        context: The context of the command.
        query: The PromQL expression.
        over: Length of the range before now, such as 15m; None for the current values.
        step: Resolution of the range, such as 30s; None to derive it from the length. Requires ``over``.

    Raises:
        UsageError: Prometheus rejects the query, or a duration is invalid (exit 2).
        NotFound: The instance does not exist, or Prometheus was never started in it (exit 3).
        Degraded: Prometheus is stopped or does not answer (exit 4).
    """
    time_range = stretch(over, step, now=lambda: context.runtime().now())
    instance = context.instance()
    stack = context.stack(instance)
    runtime = context.runtime(stack)
    patience = context.settings.timeout if context.timeout_given else _PATIENCE
    name, source = _source(context.components)
    client = source.metrics_client(instance.access(runtime, stack), timeout=patience)
    try:
        answer = client.ask_over(query, time_range) if time_range else client.ask(query)
        unknown, similar = _unknown_metric(query, client) if is_empty(answer.data) else ("", ())
    except Silent as silent:
        services = runtime.observe().services.values()
        raise _silence([each.phase for each in services if each.component == name], str(silent)) from silent
    return MetricsResult(
        instance=instance.name,
        query=query,
        data=answer.data,
        over=over,
        time_range=time_range,
        unknown_metric=unknown,
        similar=similar,
        warnings=answer.warnings,
    )


def is_empty(data: Mapping[str, Any]) -> bool:
    """Return whether a result has no values."""
    if data["resultType"] == "matrix":
        return not any(each.get("values") for each in data["result"])
    return data["resultType"] == "vector" and not data["result"]


def _source(components: Mapping[str, Component]) -> tuple[str, MetricsSource]:
    """Return the component that stores metrics, and its name."""
    for name, each in components.items():
        if isinstance(each, MetricsSource):
            return name, each
    raise NotFound("no component of this stack stores metrics")


def stretch(over: str | None, step: str | None, *, now: Callable[[], float]) -> TimeRange | None:
    """Return the requested time range; None for the current values.

    Args:
        over: Length of the range, as for ``seconds``; None for the current values.
        step: Resolution of the range, as for ``seconds``; None to derive it from the length.
        now: Returns the current time, in seconds since the epoch.

    Raises:
        UsageError: A duration is invalid, or there is a ``step`` without a range.
    """
    if over is None:
        if step is not None:
            raise UsageError("--step needs --range", hint="nexusdev metrics QUERY --range 15m --step 15s")
        return None
    length = seconds(over, "--range")
    width = seconds(step, "--step") if step else max(SHORTEST_STEP, math.ceil(length / _POINTS))
    end = now()
    return TimeRange(begin=end - length, end=end, step=width)


def seconds(text: str, option: str) -> float:
    """Parse ``15m``, ``1h30m``, ``90s``, or a plain number of seconds. Raises UsageError if it is invalid or not positive."""
    try:
        found = durations.parse(text)
    except ValueError:
        found = 0.0
    if found <= 0:
        raise UsageError(f"{option} must be a time such as 15m, 1h30m or 90s", why=f"it is {text!r}")
    return found


def _unknown_metric(query: str, client: MetricsClient) -> tuple[str, tuple[str, ...]]:
    """Return the bare name of a metric that does not exist, and the most similar existing names."""
    plain = _PLAIN.fullmatch(query.strip())
    known = client.names() if plain else ()
    if not plain or not known or plain[1] in known:
        return "", ()
    return plain[1], tuple(nearest(plain[1], known, count=3))


def _silence(phases: Sequence[Phase], why: str) -> NexusError:
    """Return the error for a Prometheus that does not answer: it was never created, it is stopped, or another reason."""
    if not phases:
        return NotFound(
            "Prometheus is not part of this stack",
            why="monitoring was left out, or the stack was never started",
            hint="nexusdev up monitoring       start it as well\nnexusdev up --profile full   start everything",
        )
    if Phase.RUNNING not in phases:
        return Degraded("Prometheus is not running", hint="nexusdev start monitoring")
    return Degraded(
        "Prometheus does not answer",
        why=why,
        hint="nexusdev status             see which services run\nnexusdev start monitoring   start stopped services\n"
        "nexusdev logs monitoring    see its logs",
    )
