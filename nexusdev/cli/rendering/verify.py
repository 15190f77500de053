"""What ``verify`` shows: the scorecard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from nexusdev.cli.output import OutputBlock, Rendered, Table, Text
from nexusdev.operations.verify import ControlOutcome, Figure, VerifyResult


def figure(value: float | None, unit: str) -> str:
    """Return a figure with its unit."""
    if value is None:
        return "unknown"
    digits = {"s": 2, "ms": 1, "%": 1}.get(unit, 0)
    return f"{value:.{digits}f} {unit}".rstrip()


def target(row: Figure) -> str:
    """Return the target of a figure."""
    if row.score.target is None:
        return "none"
    return f"{'≥' if row.score.at_least else '≤'} {row.score.target:g} {row.score.unit}".rstrip()


def _verify(result: VerifyResult) -> Rendered:
    blocks: list[OutputBlock] = (
        [Table(columns=("figure", "measured", "target", "production"), rows=tuple(map(_row, result.rows)))]
        if result.rows
        else []
    )
    for row in result.rows:
        blocks += ["", Text(f"{row.score.name}: {row.score.method}", "strong"), *_details(row)]
    if result.controls:
        cells = tuple(
            (
                Text("passed", "good") if each.finding.passed else Text("failed", "bad"),
                each.control.title,
                each.finding.evidence,
            )
            for each in result.controls
        )
        blocks += ["", Table(columns=("", "security control", "evidence"), rows=cells)]
    if result.left_out:
        blocks += ["", *(f"not measured here: {name}: {why}" for name, why in result.left_out.items())]
    return Rendered(data=_data(result), output=tuple(blocks))


def _row(row: Figure) -> tuple[Text | str, ...]:
    style = "plain" if row.met and row.score.target is None else "good" if row.met else "bad"
    value = row.measured.value if row.measured else None
    return (row.score.title, Text(figure(value, row.score.unit), style), target(row), row.score.production)  # type: ignore[arg-type]


def _details(row: Figure) -> Iterable[OutputBlock]:
    if row.measured is None:
        yield Text(f"not measured: {row.failure}", "bad")
        return
    details = ", ".join(f"{name} {words}" for name, words in row.measured.details.items())
    yield f"{row.measured.samples} samples{f': {details}' if details else ''}"
    if row.measured.limit:
        yield Text(f"limited by: {row.measured.limit}", "dim")


def _data(result: VerifyResult) -> Mapping[str, Any]:
    return {
        "at": result.at,
        "machine": result.machine,
        "quick": result.quick,
        "figures": [_figure_data(each) for each in result.rows],
        "controls": [_control_data(each) for each in result.controls],
        "left_out": dict(result.left_out),
    }


def _figure_data(row: Figure) -> Mapping[str, Any]:
    score, measured = row.score, row.measured
    return {
        "name": score.name,
        "title": score.title,
        "value": measured.value if measured else None,
        "unit": score.unit,
        "target": score.target,
        "at_least": score.at_least,
        "met": row.met,
        "production": score.production,
        "method": score.method,
        "samples": measured.samples if measured else 0,
        "details": dict(measured.details) if measured else {},
        "limit": measured.limit if measured else "",
        "failure": row.failure,
    }


def _control_data(each: ControlOutcome) -> Mapping[str, Any]:
    return {
        "name": each.control.name,
        "title": each.control.title,
        "passed": each.finding.passed,
        "evidence": each.finding.evidence,
    }


RENDERERS = {VerifyResult: _verify}
