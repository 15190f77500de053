"""Lines over time: drawn on a terminal, in colours or by marks; a table where nobody looks."""

from __future__ import annotations

import math
import re

import pytest

from nexusdev.cli.layout import Page, blocks
from nexusdev.cli.output import Plot, Series
from nexusdev.cli.plot import course

BEGIN = 1_700_000_000.0


def line(name: str, values: list[float], *, step: float = 5.0) -> Series:
    return Series(labels=(name,), points=tuple((BEGIN + at * step, value) for at, value in enumerate(values)))


def plot_of(*lines: Series) -> Plot:
    return Plot(columns=("instance",), lines=lines, begin=BEGIN, end=BEGIN + 900, step=5.0)


RISING = line("redis-0", [float(at) for at in range(181)])
FALLING = line("redis-1", [180.0 - at for at in range(181)])
TWO = plot_of(RISING, FALLING)


def shown(block: Plot, page: Page) -> list[str]:
    return list(blocks([block], page))


@pytest.mark.parametrize("width", [30, 40, 80, 120])
def test_a_terminal_gets_lines_within_its_width_and_a_legend(width: int) -> None:
    lines = [
        re.sub(r"\x1b\[[0-9;]*m", "", each).rstrip()
        for each in shown(TWO, Page(width=width, terminal=True, color=True))
    ]
    assert max(map(len, lines)) <= width
    assert any("┌" in each for each in lines)
    assert any("redis-1" in each for each in lines)
    assert any("⠉" in each or "⢀" in each or "⡠" in each for each in lines)


def test_each_line_has_the_same_color_in_plot_and_legend() -> None:
    text = "\n".join(shown(TWO, Page(width=80, terminal=True, color=True)))
    for code in (6, 3):
        assert f"\x1b[38;5;{code}m──\x1b[0m" in text
        assert text.count(f"\x1b[38;5;{code}m") > 5


def test_without_colors_each_line_has_its_own_marker() -> None:
    text = "\n".join(shown(TWO, Page(width=60, terminal=True)))
    assert "\x1b" not in text
    assert "••  redis-0" in text
    assert "++  redis-1" in text


def test_a_narrow_legend_keeps_one_line_per_line() -> None:
    long = plot_of(line("a-service-with-a-long-name", [1234567.0, 7654321.0]))
    text = "\n".join(shown(long, Page(width=40, terminal=True)))
    assert "──  a-service-with-a-long-name  7.65M" in text
    assert "least" not in text
    assert "least" in "\n".join(shown(long, Page(width=80, terminal=True)))


def test_a_single_line_is_drawn_in_fine_resolution_without_colors() -> None:
    text = "\n".join(shown(plot_of(RISING), Page(width=60, terminal=True)))
    assert "•" not in text
    assert re.search("[⠀-⣿]", text)


@pytest.mark.parametrize("page", [Page(width=80), Page(width=24, terminal=True)], ids=["no terminal", "too narrow"])
def test_without_a_terminal_each_line_is_a_sparkline_row(page: Page) -> None:
    text = "\n".join(shown(TWO, page))
    assert "▁▁▂▂▂▃▃▃▃▄▄▄▅▅" in text
    assert "██▇▇▇▆▆▆▆▅▅▅▄▄" in text
    assert "┌" not in text
    assert "\x1b" not in text


def test_excess_lines_are_counted() -> None:
    many = plot_of(*(line(f"redis-{number}", [1.0, 2.0]) for number in range(12)))
    assert shown(many, Page(width=80, terminal=True))[-1].startswith("2 more are not drawn")
    assert len(shown(many, Page(width=80))) == 13


def test_a_gap_stays_a_gap() -> None:
    values = [float(at) if at < 60 or at > 120 else math.nan for at in range(181)]
    assert re.fullmatch(r"[▁-█]{8} {7,8}[▁-█]{8,9}", course(line("x", values), plot_of()))
    drawn = "\n".join(shown(plot_of(line("x", values)), Page(width=60, terminal=True)))
    assert "NaN" not in drawn


def test_sparse_points_are_connected() -> None:
    wide = Plot(columns=("instance",), lines=(), begin=BEGIN, end=BEGIN + 900, step=225.0)
    assert " " not in course(line("x", [1.0, 2.0, 3.0, 4.0, 5.0], step=225.0), wide)


@pytest.mark.parametrize("values", [[5.0] * 3, [0.0] * 3, [math.nan] * 3, [math.inf, 1.0], [1.0], []])
def test_flat_single_and_missing_values_are_plotted(values: list[float]) -> None:
    for page in (Page(width=60, terminal=True, color=True), Page(width=60)):
        assert any("redis-0" in each for each in shown(plot_of(line("redis-0", values)), page))
