"""A failure that many tests have in common, such as a missing instance or migrations that fail, is shown in full once per run."""

from __future__ import annotations

from typing import Any

import pytest

#: How the messages of the failures begin that this plugin explains.
OURS = "Failed: nexusdev:"
_ELSEWHERE = "(see the first test that needed it)"


class ShortFailure:
    """What a report shows instead of a failure that another report shows in full.

    Attributes:
        reprcrash: Where it was and its first line, for the summary at the end and for JUnit's files.
    """

    def __init__(self, crash: Any) -> None:
        self.reprcrash = crash

    def __str__(self) -> str:
        first = str(self.reprcrash.message).splitlines()[0]
        return f"{first.removeprefix('Failed: ')} {_ELSEWHERE}"

    def toterminal(self, writer: Any) -> None:
        """Print it. pytest calls this."""
        writer.line(str(self))


class TellOnce:
    """Shortens the reports of the process that prints them. With pytest-xdist these are the reports of all workers."""

    def __init__(self) -> None:
        self._told: set[str] = set()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Replace a failure that was shown before."""
        crash = getattr(report.longrepr, "reprcrash", None)
        if crash is None or not crash.message.startswith(OURS):
            return
        text = str(report.longrepr)
        if text in self._told:
            report.longrepr = ShortFailure(crash)  # type: ignore[assignment]  # pytest prints whatever has toterminal()
        self._told.add(text)
