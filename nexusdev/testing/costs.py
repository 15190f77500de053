"""What each fixture cost: the option ``--nexus-report``.

The costs of a fixture are properties of the test's report: these arrive in the controller of pytest-xdist as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_COST = "nexus-cost-"


@contextmanager
def measured(request: pytest.FixtureRequest, name: str) -> Iterator[Callable[[], None]]:
    """Add to the report of the test what a fixture cost: the time before and after the test itself.

    Yields:
        A function to call when the test begins, and when it has ended.
    """
    marks = [time.perf_counter()]
    yield lambda: marks.append(time.perf_counter())
    began, ready, ended = marks
    cost = ready - began + time.perf_counter() - ended
    request.node.user_properties.append((f"{_COST}{name}", cost))


class CostReport:
    """Shows at the end what each fixture cost (``--nexus-report``)."""

    def __init__(self) -> None:
        self._costs: dict[str, list[float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the costs of one test, from this process or from a worker."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name.startswith(_COST):
                    self._costs.setdefault(name.removeprefix(_COST), []).append(float(str(value)))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print a line for each fixture."""
        if self._costs:
            terminalreporter.section("nexus fixtures")
        for name, seconds in sorted(self._costs.items()):
            median = 1000 * sorted(seconds)[len(seconds) // 2]
            terminalreporter.write_line(f"{name:<12} {len(seconds):5} times   median {median:7.1f} ms")
