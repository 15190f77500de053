"""What ``metrics`` shows: the current values as a table, a range of time as lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from nexusdev.cli.output import OutputBlock, Plot, Rendered, Series, Table, Text
from nexusdev.components.capabilities import TimeRange
from nexusdev.operations.metrics import SHORTEST_STEP, MetricsResult
from nexusdev.util.humanize import number

_ORDERED = re.compile(r"\b(sort\w*|topk|bottomk)\b")


def _metrics(result: MetricsResult) -> Rendered:
    output = shown(in_order(result.data, result.query), result.time_range) or [_nothing(result), *_similar(result)]
    return Rendered(data=result.data, output=tuple(output))


def _nothing(result: MetricsResult) -> Text:
    when = f"in the last {result.over}" if result.over else "now"
    return Text(f"no data: no series matches {result.query} {when}", "warn")


def _similar(result: MetricsResult) -> list[OutputBlock]:
    if not result.unknown_metric:
        return []
    similar = f"; did you mean {' or '.join(result.similar)}?" if result.similar else ""
    return [f"unknown metric {result.unknown_metric}{similar}"]


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
    return distances[len(distances) // 2] if distances else SHORTEST_STEP


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


RENDERERS = {MetricsResult: _metrics}
