"""What the demo shows of a drill: bars of what clients got done."""

from __future__ import annotations

import pytest

from nexusdev.cli.rendering.demo import bars, courses
from nexusdev.drills.verdict import Round


def test_bars_have_the_height_of_the_work_that_was_done() -> None:
    assert bars([0, 4, 8, 8, 0, 2], 6) == " ▄██ ▂"


def test_bars_of_many_parts_are_means() -> None:
    assert bars([8, 8, 0, 0, 4, 4], 3) == "█ ▄"


def test_even_little_work_is_visible() -> None:
    assert bars([1000, 1], 2) == "█▁"


@pytest.mark.parametrize(("counts", "shown"), [([], ""), ([0, 0], "  ")])
def test_no_work_is_blank(counts: list[int], shown: str) -> None:
    assert bars(counts, 10) == shown


def measured() -> Round:
    charts = (("redis.direct", (4, 0, 4), (1, 1, 1)), ("redis.replica", (), (2, 2, 2)))
    return Round(victims=("redis-0",), clients=(), held=1.0, redundant=2.0, charts=charts, charted=(-1.0, 2.0))


def test_a_client_that_only_reads_has_the_bars_of_its_reads() -> None:
    direct, replica, mark = courses(measured())
    assert direct == "redis.direct           █ █"
    assert replica == "redis.replica          ███"
    assert mark.startswith("3 s; ^ the fault")


def test_no_line_of_a_course_is_wider_than_80_columns() -> None:
    wide = Round(
        victims=("redis-0",), clients=(), held=1.0, redundant=2.0,
        charts=(("postgres.replica", tuple(range(400)), ()),), charted=(-3.0, 13.0),
    )  # fmt: skip
    assert all(len(line) <= 80 for line in courses(wide))
