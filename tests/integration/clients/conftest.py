"""Keeps what became of each cell, and writes docs/clients.md when CLIENTS_REPORT names it."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from nexusdev.env.client_forms import FORMS, PATHS

_SEEN = pytest.StashKey[dict[tuple[str, str, str], str]]()

HEAD = """# Clients

Written by `make clients`: each client connects to a real stack with the variables of the env file and nothing else, verified by the instance's CA.
`direct` is the published port, `pool` PgBouncer, `sentinel` the sentinels, `container` a container that `nexusdev run --in` starts.
`ok`: works. `-`: does not apply. Everything else is the reason why it was not tested.

| language | client | reads | trusts by | direct | pool | sentinel | container |
|---|---|---|---|---|---|---|---|
"""


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_SEEN] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    if "form" in parameters and (report.when == "call" or report.outcome != "passed"):
        form = parameters["form"]
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.outcome
        told = "ok" if report.passed else str(reason).removeprefix("Skipped: ")
        item.config.stash[_SEEN][form.language, form.client, parameters["path"]] = told
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    target = os.environ.get("CLIENTS_REPORT")
    seen = session.config.stash[_SEEN]
    if target and seen:
        Path(target).write_text(page(seen), encoding="utf-8")


def page(seen: dict[tuple[str, str, str], str]) -> str:
    """The table. Pure."""
    lines = []
    for form in FORMS:
        cells = [
            seen.get((form.language, form.client, path), "not run") if path in form.paths else "-" for path in PATHS
        ]
        names = [", ".join(f"`{each}`" for each in words) for words in (form.reads, form.trust)]
        lines.append(f"| {' | '.join([form.language, form.client, *names, *cells])} |\n")
    notes = [f"- {form.client}: {form.note}\n" for form in FORMS if form.note]
    return f"{HEAD}{''.join(lines)}\n## Notes\n\n{''.join(notes)}"
