"""docs/clients.md: what became of each client, of each file of ``env --for`` and of each page of docs/frameworks in one run."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from pathlib import Path

import pytest

from nexusdev.env.client_forms import FORMS, PATHS
from nexusdev.env.framework_files import FRAMEWORKS

#: The rows of a table: ``row`` is a name, or the language, client and path of a cell.
Row = tuple[str, ...]

HEAD = """# Clients

Written by `make clients`: each client connects to a real stack with the variables of the env file and nothing else, verified by the instance's CA.
`direct` is the published port, `pool` PgBouncer, `sentinel` the sentinels, `container` a container that `nexusdev run --in` starts.
`ok`: works. `-`: does not apply. Everything else is the reason why it was not tested.

| language | client | reads | trusts by | direct | pool | sentinel | container |
|---|---|---|---|---|---|---|---|
"""
FILES = """
## Files

`nexusdev env --for NAME` writes the file. The framework or tool itself reads it, without any other variable of the stack.

| name | result |
|---|---|
"""
PAGES = """
## Pages

Each page of [docs/frameworks](frameworks) is run as it stands: what it installs, its files, its commands and the output that it states.

| page | result |
|---|---|
"""


class ClientsReport:
    """Collects the outcomes, and writes the page at the end of a run that had all of them.

    Args:
        target: The file to write.
        pages: The names of the pages.
    """

    def __init__(self, target: Path, pages: Collection[str]) -> None:
        self._target = target
        self._pages = sorted(pages)
        self._seen: dict[Row, list[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        row = row_of(item)
        if row and (report.when == "call" or not report.passed):
            self._seen.setdefault(row, []).append(told(report))
        return report

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if left := [row for row in every_row(self._pages) if row not in self._seen]:
            terminalreporter.write_line(
                f"{self._target} is left as it is: not run: {', '.join(map(' '.join, left[:3]))}"
            )
            return
        self._target.write_text(page({row: worst(seen) for row, seen in self._seen.items()}, self._pages), "utf-8")


def row_of(item: pytest.Item) -> Row:
    """The row or cell that a test fills; empty for none."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "form" in parameters:
        return parameters["form"].language, parameters["form"].client, parameters["path"]
    marker = item.get_closest_marker("documented")
    return tuple(marker.args) if marker else ()


def told(report: pytest.TestReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.outcome
    return "ok" if report.passed else str(reason).removeprefix("Skipped: ")


def worst(seen: Collection[str]) -> str:
    """One word for several tests of a row: a failure, then a reason to skip, then ok."""
    return next((each for each in sorted(seen, key=lambda each: each != "failed") if each != "ok"), "ok")


def every_row(pages: Collection[str]) -> list[Row]:
    """All rows and cells that the page has."""
    cells: list[Row] = [(form.language, form.client, path) for form in FORMS for path in form.paths]
    return [*cells, *(("file", name) for name in FRAMEWORKS), *(("page", name) for name in pages)]


def page(seen: Mapping[Row, str], pages: Collection[str]) -> str:
    """The text of docs/clients.md. Pure."""
    lines = []
    for form in FORMS:
        cells = [seen[form.language, form.client, path] if path in form.paths else "-" for path in PATHS]
        names = [", ".join(f"`{each}`" for each in words) for words in (form.reads, form.trust)]
        lines.append(f"| {' | '.join([form.language, form.client, *names, *cells])} |\n")
    notes = [f"- {form.client}: {form.note}\n" for form in FORMS if form.note]
    files = [f"| `{name}` | {seen['file', name]} |\n" for name in FRAMEWORKS]
    rows = [f"| [{name}](frameworks/{name}.md) | {seen['page', name]} |\n" for name in pages]
    return f"{HEAD}{''.join(lines)}{FILES}{''.join(files)}{PAGES}{''.join(rows)}\n## Notes\n\n{''.join(notes)}"
