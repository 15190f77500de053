"""What ``drill`` and ``drill list`` show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import to_builtins

from nexusdev.cli.output import OutputBlock, Rendered, Table, Text
from nexusdev.components.drills import Scenario
from nexusdev.drills.verdict import Measurement, Round
from nexusdev.operations.drill import DrillListResult, DrillReport, DrillResult


def _list(result: DrillListResult) -> Rendered:
    rows = tuple(
        (each.name, str(each.fault), str(each.victim), each.hypothesis)
        for _, scenarios in result.scenarios
        for each in scenarios
    )
    missing = tuple((each.what, each.why) for each in result.missing)
    return Rendered(
        data={
            "drills": [
                {"component": component, **_scenario(each)}
                for component, scenarios in result.scenarios
                for each in scenarios
            ],
            "missing": [to_builtins(each) for each in result.missing],
        },
        output=(
            Table(columns=("drill", "fault", "hits", "what should happen"), rows=rows),
            "",
            Table(columns=("no drill for", "why"), rows=missing),
        ),
    )


def _drill(result: DrillResult) -> Rendered:
    blocks: list[OutputBlock] = []
    for report in result.drills:
        blocks += [*_report(report), ""]
    if len(result.drills) > 1:
        blocks.append(_summary(result.drills))
    return Rendered(
        data={
            "at": result.at,
            "machine": result.machine,
            "drills": [as_data(each) for each in result.drills],
        },
        output=tuple(blocks[:-1] if len(result.drills) == 1 else blocks),
    )


def _report(report: DrillReport) -> Iterable[OutputBlock]:
    yield Text(f"{report.scenario.name}: {report.scenario.hypothesis}", "strong")
    if report.failure:
        yield Text(f"not carried out: {report.failure}", "bad")
    for number, (found, rows) in enumerate(zip(report.rounds, report.findings, strict=True), 1):
        yield f"{f'round {number}: ' if len(report.rounds) > 1 else ''}{story(report.scenario, found)}"
        yield Table(columns=("", "measured", "target", "note"), rows=tuple(map(_row, rows)))


def story(scenario: Scenario, found: Round) -> str:
    """Return what happened, in one line."""
    words = [f"{scenario.fault} of {' and '.join(found.victims)} for {found.held:.1f} s"]
    words += [f"{component}: {before} → {after or 'nobody'}" for component, before, after in found.leaders]
    words += [each.done for each in found.fenced]
    words += [f"alert {found.alert} after {found.alerted:.0f} s"] if found.alerted is not None else []
    return "; ".join(words)


def _row(each: Measurement) -> tuple[Text | str, ...]:
    style = "plain" if each.target is None else "good" if each.met else "bad"
    return (each.what, Text(figure(each.measured, each.unit), style), target(each), each.note)  # type: ignore[arg-type]


def figure(measured: float | None, unit: str) -> str:
    """Return a figure with its unit."""
    if measured is None:
        return "unknown"
    return f"{measured:.2f} s" if unit == "s" else f"{measured:.0f}"


def target(each: Measurement) -> str:
    """Return the target of a finding."""
    if each.target is None:
        return "none"
    return f"≤ {each.target:g} s" if each.unit == "s" else f"{each.target:g}"


def _summary(reports: Iterable[DrillReport]) -> Table:
    rows = tuple(
        (
            each.scenario.name,
            Text("not carried out", "bad")
            if each.failure
            else Text("met", "good")
            if each.met
            else Text(f"{len(each.missed)} missed", "bad"),
        )
        for each in reports
    )
    return Table(columns=("drill", "targets"), rows=rows)


def as_data(report: DrillReport) -> Mapping[str, Any]:
    """Return a report for programs. Charts are left out."""
    return {
        **_scenario(report.scenario),
        "met": report.met,
        "missed": list(report.missed),
        "failure": report.failure,
        "fencing": report.fencing,
        "rounds": [
            {
                **{key: value for key, value in to_builtins(found).items() if key not in ("charts", "charted")},
                "leaders": [
                    {"component": component, "before": before, "after": after}
                    for component, before, after in found.leaders
                ],
                "findings": [{**to_builtins(each), "met": each.met} for each in rows],
            }
            for found, rows in zip(report.rounds, report.findings, strict=True)
        ],
    }


def _scenario(each: Scenario) -> Mapping[str, Any]:
    return {
        "drill": each.name,
        "fault": str(each.fault),
        "hits": str(each.victim),
        "hypothesis": each.hypothesis,
        "clients": {name: to_builtins(goal) for name, goal in each.clients.items()},
        "redundant": each.redundant,
        "detect": each.detect,
    }


RENDERERS = {DrillListResult: _list, DrillResult: _drill}
