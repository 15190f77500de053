"""Where the time went: spans, and the chain that decided the length."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.deploy import last_up
from nexusdev.deploy.timing import Span, Stopwatch, critical_path
from nexusdev.errors import NotFound
from tests.fakes import FakeClock

SPANS = (
    Span(name="prepare", kind="prepare", began=0.0, ended=0.2),
    Span(name="start redis-0", kind="start", began=0.2, ended=0.5, after=("prepare",)),
    Span(name="start postgresql-0", kind="start", began=0.2, ended=0.6, after=("prepare",)),
    Span(name="redis: no master", kind="wait", began=0.5, ended=1.0, after=("start redis-0",)),
    Span(name="postgres: no leader", kind="wait", began=0.6, ended=4.0, after=("start postgresql-0",)),
    Span(name="write", kind="write", began=4.0, ended=4.1, after=("redis: no master", "postgres: no leader")),
)


def test_the_critical_path_follows_the_latest_predecessors() -> None:
    names = [span.name for span in critical_path(SPANS)]
    assert names == ["prepare", "start postgresql-0", "postgres: no leader", "write"]


def test_no_spans_have_no_critical_path() -> None:
    assert critical_path(()) == ()


def test_timings_round_trip(tmp_path: Path) -> None:
    last_up.write_timings(tmp_path, SPANS)
    assert set(last_up.read_timings(tmp_path)) == set(SPANS)


@pytest.mark.parametrize("content", [b"", b"{}", b'{"spans": [{"name": "write"}]}', b'{"spans": [{"name": "\xff"}]}'])
def test_unreadable_timings_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "timings.json").write_bytes(content)
    with pytest.raises(NotFound, match="no timings yet"):
        last_up.read_timings(tmp_path)


def test_the_record_of_the_last_up_round_trips_and_is_empty_if_broken(tmp_path: Path) -> None:
    record = last_up.LastUp(seeded={"redis": "abc"}, profile="core", absent={"grafana": "no image"})
    last_up.write(tmp_path, record)
    assert last_up.read(tmp_path) == record
    for content in (b"", b"[]", b'{"seeded": 1}', b'{"seeded": {"redis": "\xff"}}'):
        (tmp_path / "up.json").write_bytes(content)
        assert last_up.read(tmp_path) == last_up.LastUp()


def test_a_span_is_measured_even_when_its_block_fails() -> None:
    clock = FakeClock()
    watch = Stopwatch(clock=clock)

    def seed() -> None:
        with watch.span("seed", after=["wait"]):
            clock.sleep(2.0)
            raise ValueError("refused")

    with pytest.raises(ValueError, match="refused"):
        seed()
    assert watch.spans == [Span(name="seed", kind="seed", began=0.0, ended=2.0, after=("wait",))]


def test_an_overlapping_wait_counts_until_its_successor_starts() -> None:
    spans = (
        Span(name="start", kind="start", began=0.0, ended=1.0),
        Span(name="minio: no answer", kind="wait", began=1.0, ended=3.0, after=("start",)),
        Span(name="minio: no bucket", kind="wait", began=3.0, ended=6.0, after=("start", "minio: no answer")),
        Span(
            name="seed minio",
            kind="seed",
            began=3.0,
            ended=6.0,
            after=("start", "minio: no answer", "minio: no bucket"),
        ),
    )
    path = [span.name for span in critical_path(spans)]
    assert path[0] == "start"
    assert "minio: no answer" in path


def test_a_step_that_began_later_is_no_predecessor() -> None:
    spans = (
        Span(name="plan", kind="plan", began=0.0, ended=1.0),
        Span(name="create db", kind="create", began=1.0, ended=2.0, after=("start db", "plan")),
        Span(name="start db", kind="start", began=2.0, ended=4.0, after=("create db", "plan")),
    )
    assert [span.name for span in critical_path(spans)] == ["plan", "create db", "start db"]
