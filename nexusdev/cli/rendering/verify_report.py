"""The scorecard as a file: Markdown for a README, or one HTML page that needs no network."""

from __future__ import annotations

import time
from collections.abc import Iterable
from html import escape
from pathlib import Path

from nexusdev.cli.rendering.verify import figure, target
from nexusdev.errors import UsageError
from nexusdev.operations.verify import Figure, VerifyResult
from nexusdev.util.files import replace

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #8884;vertical-align:top}"
    ".good{color:#178a3b}.bad{color:#d02b2b;font-weight:600}.dim{opacity:.7}"
)


def require_format(file: Path) -> None:
    """Refuse a file name that is neither .md nor .html. Raises UsageError."""
    if file.suffix not in {".md", ".html"}:
        raise UsageError(f"--report {file}: use FILE.md or FILE.html", hint="nexusdev verify --report scorecard.html")


def write_report(result: VerifyResult, file: Path) -> None:
    """Write the report in the format of the file's name."""
    text = as_html(result) if file.suffix == ".html" else as_markdown(result)
    replace(file, text.encode(), mode=0o644)


def as_markdown(result: VerifyResult) -> str:
    """Return two tables: the figures and the security controls."""
    lines = [
        "# Scorecard",
        "",
        f"{_made(result)}. Made by `nexusdev verify --report`; `nexusdev verify NAME` measures one row again.",
        "",
        "| figure | measured | target | production | how, and what limits it |",
        "|---|---|---|---|---|",
    ]
    lines += ["| " + " | ".join(_plain(each) for each in (*_cells(row), _how(row))) + " |" for row in result.rows]
    lines += ["", "| security control | | evidence |", "|---|---|---|"]
    lines += [
        f"| {_plain(each.control.title)} | {'passed' if each.finding.passed else '**failed**'} | {_plain(each.finding.evidence)} |"
        for each in result.controls
    ]
    lines += ["", *(f"Not measured here: {name}: {why}." for name, why in result.left_out.items())]
    return "\n".join(lines).rstrip("\n") + "\n"


def as_html(result: VerifyResult) -> str:
    """Return one page with both tables."""
    return "\n".join(_html(result)) + "\n"


def _html(result: VerifyResult) -> Iterable[str]:
    yield f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Scorecard</title><style>{_STYLE}</style>'
    yield f"<h1>Scorecard</h1><p>{escape(_made(result))}.</p>"
    yield "<table><tr><th>figure</th><th>measured</th><th>target</th><th>production</th><th>how, and what limits it</th></tr>"
    for row in result.rows:
        title, measured, goal, production = (escape(each) for each in _cells(row))
        style = "bad" if not row.met else "good" if row.score.target is not None else ""
        yield f'<tr><td>{title}</td><td class="{style}">{measured}</td><td>{goal}</td><td>{production}</td>'
        yield f'<td class="dim">{escape(_how(row))}</td></tr>'
    yield "</table><h2>Security controls</h2><table>"
    for each in result.controls:
        style, word = ("good", "passed") if each.finding.passed else ("bad", "failed")
        yield f'<tr><td>{escape(each.control.title)}</td><td class="{style}">{word}</td><td class="dim">{escape(each.finding.evidence)}</td></tr>'
    yield "</table>"
    yield from (f"<p>Not measured here: {escape(name)}: {escape(why)}.</p>" for name, why in result.left_out.items())
    yield "</html>"


def _cells(row: Figure) -> tuple[str, str, str, str]:
    value = row.measured.value if row.measured else None
    return row.score.title, figure(value, row.score.unit), target(row), row.score.production


def _how(row: Figure) -> str:
    if row.measured is None:
        return f"{row.score.method}. Not measured: {row.failure}"
    details = "; ".join(f"{name} {words}" for name, words in row.measured.details.items())
    limit = f"Limited by: {row.measured.limit}" if row.measured.limit else ""
    words = [_sentence(row.score.method), f"{row.measured.samples} samples{': ' if details else ''}{details}", limit]
    return ". ".join(each for each in words if each)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(text: str) -> str:
    return text.replace("|", "\\|")


def _made(result: VerifyResult) -> str:
    when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(result.at))
    return f"Measured {when} on {result.machine}{', with a tenth of the samples' if result.quick else ''}"
