"""The report of ``drill --report``: one HTML file with charts, which needs nothing from the network, or tables in Markdown."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from nexusdev import __version__
from nexusdev.cli.rendering.drill import figure, story, target
from nexusdev.drills.verdict import Measurement, Round
from nexusdev.errors import UsageError
from nexusdev.operations.drill import DrillReport, DrillResult
from nexusdev.util.files import replace

_WIDTH, _HEIGHT = 720, 64
_STYLE = """
:root {
  color-scheme: light dark; --good: #1a7f37; --bad: #cf222e; --ink: #1f2328; --dim: #59636e; --line: #d1d9e0; --paper: #fff;
  --bar: #0969da; --read: #8250df;
}
@media (prefers-color-scheme: dark) {
  :root { --good: #3fb950; --bad: #f85149; --ink: #f0f6fc; --dim: #9198a1; --line: #3d444d; --paper: #0d1117; --bar: #4493f8; --read: #ab7df8; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; vertical-align: top; border-bottom: 1px solid var(--line); }
td.figure, td.target { white-space: nowrap; font-variant-numeric: tabular-nums; }
.good { color: var(--good); } .bad { color: var(--bad); font-weight: 600; } .dim, figcaption { color: var(--dim); }
figure { margin: .75rem 0; } svg { width: 100%; height: auto; display: block; }
"""


def write_report(result: DrillResult, file: Path) -> None:
    """Write the report.

    Args:
        result: What was drilled.
        file: Its name ends in ``.html`` or ``.md``.

    Raises:
        StorageFailed: It cannot be written.
    """
    replace(file, as_html(result) if file.suffix == ".html" else as_markdown(result), mode=0o644)


def require_format(file: Path) -> None:
    """Raise UsageError unless a report can be written there. Called before the drill, which takes minutes."""
    if file.suffix not in (".html", ".md"):
        raise UsageError(f"{file.name} is neither .html nor .md", hint="nexusdev drill NAME --report drill.html")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {file.absolute().parent} for the report")


def as_html(result: DrillResult) -> str:
    """Return the report as one HTML page."""
    head = f"{_when(result)}, {escape(result.machine)}, nexusdev {__version__}, instance {escape(result.instance)}"
    return "\n".join(
        (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>Drills of {escape(result.instance)}</title><style>{_STYLE}</style></head><body>",
            f'<h1>Drills of {escape(result.instance)}</h1><p class="dim">{head}</p>',
            *_contents(result.drills),
            *(line for each in result.drills for line in _section(each)),
            "</body></html>\n",
        )
    )


def _contents(reports: Sequence[DrillReport]) -> Iterable[str]:
    if len(reports) < 2:  # noqa: PLR2004 - a list of one is none
        return
    yield "<table><tr><th>drill</th><th>targets</th></tr>"
    for each in reports:
        link = f'<a href="#{escape(each.scenario.name)}">{escape(each.scenario.name)}</a>'
        yield f"<tr><td>{link}</td><td>{_verdict(each)}</td></tr>"
    yield "</table>"


def _verdict(report: DrillReport) -> str:
    if report.failure:
        return '<span class="bad">not carried out</span>'
    return '<span class="good">met</span>' if report.met else f'<span class="bad">{len(report.missed)} missed</span>'


def _section(report: DrillReport) -> Iterable[str]:
    scenario = report.scenario
    yield f'<h2 id="{escape(scenario.name)}">{escape(scenario.name)}: {_verdict(report)}</h2>'
    yield f"<p>{escape(scenario.hypothesis)}</p>"
    if report.failure:
        yield f'<p class="bad">{escape(report.failure)}</p>'
    for number, (found, rows) in enumerate(zip(report.rounds, report.findings, strict=True), 1):
        head = f"Round {number}: " if len(report.rounds) > 1 else ""
        yield f"<p>{head}{escape(story(scenario, found))}</p>"
        yield from (_chart(found, *each) for each in found.charts)
        yield "<table><tr><th></th><th>measured</th><th>target</th><th>note</th></tr>"
        yield from map(_line, rows)
        yield "</table>"
        yield from _errors(found)


def _line(each: Measurement) -> str:
    style = "dim" if each.target is None else "good" if each.met else "bad"
    return (
        f'<tr><td>{escape(each.what)}</td><td class="figure {style}">{escape(figure(each.measured, each.unit))}</td>'
        f'<td class="target">{escape(target(each))}</td><td class="dim">{escape(each.note)}</td></tr>'
    )


def _errors(found: Round) -> Iterable[str]:
    rows = [(client.name, count, words) for client in found.clients for words, count in client.kinds_of_error]
    if rows:
        yield "<details><summary>errors that the clients saw</summary><table>"
        for name, count, words in rows:
            yield f"<tr><td>{escape(name)}</td><td>{count} ×</td><td>{escape(words)}</td></tr>"
        yield "</table></details>"


def _chart(found: Round, name: str, writes: Sequence[int], reads: Sequence[int]) -> str:
    """One chart: acknowledged operations over time, and the time of the fault."""
    begin, end = found.charted
    most = max((*writes, *reads, 1))
    fault, over = (_place(at, begin, end) for at in (0.0, found.held))
    lines = "".join(
        f'<polyline fill="none" stroke="var(--{color})" stroke-width="1.5" points="{_points(counts, most)}"/>'
        for counts, color in ((reads, "read"), (writes, "bar"))
        if counts
    )
    words = " and ".join(word for counts, word in ((writes, "writes (blue)"), (reads, "reads (violet)")) if counts)
    label = f"{name}: acknowledged {words} over {end - begin:.0f} s; shaded: the fault"
    return (
        f'<figure><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<rect x="{fault:.1f}" y="0" width="{max(over - fault, 1):.1f}" height="{_HEIGHT}" fill="var(--bad)" opacity=".15"/>'
        f'<line x1="0" y1="{_HEIGHT - 1}" x2="{_WIDTH}" y2="{_HEIGHT - 1}" stroke="var(--line)"/>{lines}</svg>'
        f"<figcaption>{escape(label)}</figcaption></figure>"
    )


def _place(at: float, begin: float, end: float) -> float:
    return (at - begin) / (end - begin) * _WIDTH if end > begin else 0.0


def _points(counts: Sequence[int], most: int) -> str:
    step = _WIDTH / max(len(counts) - 1, 1)
    return " ".join(
        f"{number * step:.1f},{_HEIGHT - 2 - count / most * (_HEIGHT - 6):.1f}" for number, count in enumerate(counts)
    )


def as_markdown(result: DrillResult) -> str:
    """Return the report as tables: per drill the worst figure of its rounds."""
    lines = [
        "# Drills",
        "",
        f"Measured {_when(result)} on {result.machine}. Made by `nexusdev drill --report`, which `make drills` runs for all drills.",
        "`nexusdev drill list` says what each drill does, and `nexusdev drill NAME` repeats it.",
        "",
    ]
    for report in result.drills:
        lines += _markdown(report)
    return "\n".join(lines).rstrip("\n") + "\n"


def _markdown(report: DrillReport) -> Iterable[str]:
    rounds = "1 round" if len(report.rounds) == 1 else f"{len(report.rounds)} rounds"
    yield from (f"## {report.scenario.name}", "", f"{report.scenario.hypothesis} ({rounds})", "")
    if report.failure:
        yield from (f"Not carried out: {report.failure}", "")
    if not report.rounds:
        return
    yield from ("| | worst | all rounds | target | |", "|---|---|---|---|---|")
    for each in worst(report.findings):
        values = ", ".join(
            figure(same.measured, each.unit) for rows in report.findings for same in rows if same.what == each.what
        )
        state = "" if each.target is None else "met" if each.met else "**missed**"
        yield f"| {each.what} | {figure(each.measured, each.unit)} | {values} | {target(each)} | {state} |"
    notes = dict.fromkeys(each.note for rows in report.findings for each in rows if each.note)
    yield ""
    yield from (f"{note[0].upper()}{note[1:]}.\n" for note in notes)


def worst(rounds: Sequence[Sequence[Measurement]]) -> list[Measurement]:
    """Return the worst finding of each figure; one that could not be measured is the worst."""
    found: dict[str, Measurement] = {}
    for each in (each for rows in rounds for each in rows):
        before = found.get(each.what)
        if before is None or _height(each) > _height(before):
            found[each.what] = each
    return list(found.values())


def _height(each: Measurement) -> float:
    return float("inf") if each.measured is None else each.measured


def _when(result: DrillResult) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(result.at))
