"""The live board as it is painted: names and seconds stay whole, only the words lose their end."""

from __future__ import annotations

import io

import pytest

from nexusdev.cli.live import LiveBoard
from nexusdev.events import ComponentReady, ComponentWaits
from tests.fakes import FakeClock


def painted(monkeypatch: pytest.MonkeyPatch, *, columns: int) -> list[str]:
    monkeypatch.setenv("COLUMNS", str(columns))
    screen, clock = io.StringIO(), FakeClock()
    board = LiveBoard(screen, color=False, now=clock.now)
    board.hear(ComponentWaits(component="monitoring", missing="several targets down; " * 9, elapsed=0.1))
    board.hear(ComponentReady(component="redis", elapsed=1234.56))
    clock.sleep(61.04)
    board.console.print(board._render())
    return screen.getvalue().splitlines()


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_names_and_seconds_are_never_truncated(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    waits, ready = painted(monkeypatch, columns=columns)
    assert waits.split()[1:4] == ["monitoring", "several", "targets"]
    assert waits.rstrip().endswith("61.0 s")
    assert ready.split() == ["✓", "redis", "ready", "1234.6", "s"]
    assert max(len(waits.rstrip()), len(ready.rstrip())) <= columns
