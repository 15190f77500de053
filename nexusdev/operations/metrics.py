"""metrics: runs a PromQL query, once as a table or over a range of time as lines."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from nexusdev.components.monitoring.names import NAME
from nexusdev.components.monitoring.query import Prometheus, Silent, TimeRange
from nexusdev.context import Context
from nexusdev.errors import Degraded, NexusError, NotFound, UsageError
from nexusdev.plan import Phase
from nexusdev.results import Outcome, OutputBlock, Plot, Series, Table, Text
from nexusdev.util import durations
from nexusdev.util.humanize import number
from nexusdev.util.nearest import nearest

#: Nothing is scraped more often than every 5 s, and a terminal shows no more points than this.
_SHORTEST_STEP, _POINTS = 5.0, 240
_PATIENCE = 10.0
_ORDERED = re.compile(r"\b(sort\w*|topk|bottomk)\b")
_PLAIN = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?(\[[^\]]*\])?")


def metrics(
    context: Context,
    query: str,
    *,
    over: str | None = None,
    step: str | None = None,
    client: Callable[..., Prometheus] = Prometheus,
) -> Outcome:
    """Ask once. ``over``: how far back, such as 15m. UsageError (2) for what Prometheus does not take, NotFound (3), Degraded (4)."""
    time_range = stretch(over, step, now=lambda: context.runtime().now())
    instance = context.instance()
    stack = context.stack(instance)
    runtime = context.runtime(stack)
    patience = context.settings.timeout if context.timeout_given else _PATIENCE
    prometheus = client(access=instance.access(runtime, stack), timeout=patience)
    try:
        answer = prometheus.ask_over(query, time_range) if time_range else prometheus.ask(query)
        output = shown(in_order(answer.data, query), time_range) or [_nothing(query, over), *_near(query, prometheus)]
    except Silent as silent:
        services = runtime.observe().services.values()
        raise _silence([each.phase for each in services if each.component == NAME], str(silent)) from silent
    return Outcome(instance=instance.name, data=answer.data, output=tuple(output), warnings=answer.warnings)


def stretch(over: str | None, step: str | None, *, now: Callable[[], float]) -> TimeRange | None:
    """The time that is asked for; None for now."""
    if over is None:
        if step is not None:
            raise UsageError("--step needs --range", hint="nexusdev metrics QUERY --range 15m --step 15s")
        return None
    length = seconds(over, "--range")
    width = seconds(step, "--step") if step else max(_SHORTEST_STEP, math.ceil(length / _POINTS))
    end = now()
    return TimeRange(begin=end - length, end=end, step=width)


def seconds(text: str, option: str) -> float:
    """``15m``, ``1h30m``, ``90s``, or a plain number of seconds. UsageError where it is none, or not above zero."""
    try:
        found = durations.parse(text)
    except ValueError:
        found = 0.0
    if found <= 0:
        raise UsageError(f"{option} must be a time such as 15m, 1h30m or 90s", why=f"it is {text!r}")
    return found


def in_order(data: Mapping[str, Any], query: str) -> Mapping[str, Any]:
    """Series by their labels, unless the query itself has put them in an order: Prometheus gives them in any."""
    if data["resultType"] not in ("vector", "matrix") or _ORDERED.search(query):
        return data
    names = _names([each["metric"] for each in data["result"]])
    by_label = sorted(data["result"], key=lambda each: [each["metric"].get(name, "") for name in names])
    return {**data, "result": by_label}


def shown(data: Mapping[str, Any], time_range: TimeRange | None) -> list[OutputBlock]:
    """The answer as a person reads it; nothing for an empty one."""
    result = data["result"]
    match data["resultType"]:
        case "scalar":
            return [number(float(result[1]))]
        case "string":
            return [str(result[1])]
        case "matrix":
            return _lines(result, time_range)
        case _:
            return _vector(result)


def _vector(result: Sequence[Mapping[str, Any]]) -> list[OutputBlock]:
    common, names, rows = columns([each["metric"] for each in result])
    values = [_value(each) for each in result]
    table = Table(columns=(*names, "value"), rows=tuple((*row, value) for row, value in zip(rows, values, strict=True)))
    return [*common, table] if result else []


def _value(each: Mapping[str, Any]) -> str:
    """A sample's number; of a native histogram, how many it counted and their sum."""
    if "histogram" in each:
        return f"{each['histogram'][1]['count']} observed, sum {each['histogram'][1]['sum']}"
    return number(float(each["value"][1]))


def _lines(result: Sequence[Mapping[str, Any]], time_range: TimeRange | None) -> list[OutputBlock]:
    common, names, rows = columns([each["metric"] for each in result])
    lines = tuple(
        Series(labels=row, points=tuple((float(at), float(value)) for at, value in each.get("values", ())))
        for row, each in zip(rows, result, strict=True)
    )
    times = [at for line in lines for at, _ in line.points]
    if not times:
        return []
    begin, end = (time_range.begin, time_range.end) if time_range else (min(times), max(times))
    return [
        *common,
        Plot(columns=names, lines=lines, begin=begin, end=end, step=time_range.step if time_range else _step(times)),
    ]


def _step(times: Sequence[float]) -> float:
    """The usual distance of samples that were taken as they came."""
    distances = sorted(later - earlier for earlier, later in pairwise(times) if later > earlier)
    return distances[len(distances) // 2] if distances else _SHORTEST_STEP


def columns(metrics: Sequence[Mapping[str, str]]) -> tuple[list[OutputBlock], tuple[str, ...], list[tuple[str, ...]]]:
    """What all series have in common, as a line of its own; the labels in which they differ, first those that
    all have; and their values, a row per series."""
    names = _names(metrics)
    same = {name: metrics[0][name] for name in names if len(metrics) > 1 and _is_same(metrics, name)}
    kept = tuple(name for name in names if name not in same)
    head = same.get("__name__", "")
    labels = ", ".join(f'{name}="{value}"' for name, value in same.items() if name != "__name__")
    common: list[OutputBlock] = [Text(f"{head} {{{labels}}}".strip() if labels else head, "dim")] if same else []
    rows = [tuple(each.get(name, "") for name in kept) for each in metrics]
    return common, tuple("metric" if name == "__name__" else name for name in kept), rows


def _names(metrics: Sequence[Mapping[str, str]]) -> list[str]:
    """The labels: the metric's name, those that all have, and the others."""
    return sorted(
        {name for each in metrics for name in each},
        key=lambda name: (name != "__name__", any(name not in each for each in metrics), name),
    )


def _is_same(metrics: Sequence[Mapping[str, str]], name: str) -> bool:
    return len({each.get(name) for each in metrics}) == 1


def _nothing(query: str, over: str | None) -> Text:
    when = f"in the last {over}" if over else "now"
    return Text(f"no data: no series matches {query} {when}", "warn")


def _near(query: str, prometheus: Prometheus) -> list[OutputBlock]:
    """For the bare name of a metric that does not exist: the nearest that does."""
    plain = _PLAIN.fullmatch(query.strip())
    known = prometheus.names() if plain else ()
    if not plain or not known or plain[1] in known:
        return []
    near = nearest(plain[1], known, count=3)
    return [f"unknown metric {plain[1]}" + (f"; did you mean {' or '.join(near)}?" if near else "")]


def _silence(phases: Sequence[Phase], why: str) -> NexusError:
    """Nobody answers: because nothing of it was ever made here, because it was stopped, or for another reason."""
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
