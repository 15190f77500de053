"""demo: which chapters are shown, and what a chapter that fails means for the others."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace

from nexusdev.components.capabilities import Alert
from nexusdev.demo.chapters import Chapter
from nexusdev.errors import Degraded, NotFound, UsageError
from nexusdev.operations.demo import SilentGuide, Tour, demo
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.status import StatusResult, status
from nexusdev.operations.up import up
from nexusdev.results import Result
from tests.fakes import House


@dataclass
class Watcher:
    """A guide that remembers what it showed, and ends the tour before one chapter."""

    leaves_at: str = ""
    opened: list[str] = field(default_factory=list)
    shown: list[Result | str] = field(default_factory=list)

    def open(self, chapter: Chapter, number: int, total: int) -> bool:
        self.opened.append(f"{number} of {total}: {chapter.name}")
        return chapter.name != self.leaves_at

    def show(self, shown: Result | str) -> None:
        self.shown.append(shown)


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_a_chapter_shows_the_status_of_the_stack(running: House) -> None:
    watcher = Watcher()
    result = demo(running.context(), ["stack"], guide=watcher)
    assert watcher.opened == ["1 of 1: stack"]
    assert isinstance(watcher.shown[0], StatusResult)
    assert [(each.name, each.failure) for each in result.chapters] == [("stack", "")]
    assert result.error is None
    assert not result.sample_data


def test_chapters_that_need_more_than_what_runs_are_left_out_with_the_reason(running: House) -> None:
    result = demo(running.context())
    assert [each.name for each in result.chapters] == ["stack", "redis"]
    assert result.skipped["data"] == "this instance was started without postgres, minio and vault"
    assert result.skipped["alert"] == "this instance was started without monitoring"


def test_a_chapter_that_fails_is_reported_and_the_tour_goes_on(running: House) -> None:
    watcher = Watcher()
    result = demo(running.context(), ["stack", "redis"], guide=watcher)
    assert watcher.shown[-1] == "This chapter failed. there is no drill redis-master-kill"
    assert result.chapters[1].failure == "there is no drill redis-master-kill"
    assert result.error is not None
    assert result.error.exit_status == 4
    assert result.error.message == "not shown as promised: redis"


def test_a_chapter_that_was_asked_for_and_cannot_be_shown_is_an_error(running: House) -> None:
    with pytest.raises(NotFound, match="the chapter vault cannot be shown") as caught:
        demo(running.context(), ["vault"])
    assert caught.value.why == "this instance was started without vault"


def test_an_unknown_chapter_is_an_error_before_anything_is_asked(house: House) -> None:
    with pytest.raises(UsageError, match="there is no chapter"):
        demo(house.context(), ["sales"])


def test_a_stack_that_is_not_ready_is_not_shown(running: House) -> None:
    stop(running.context())
    with pytest.raises(Degraded, match="needs a stack that is ready") as caught:
        demo(running.context(), ["stack"])
    assert "redis: none of its containers is running" in caught.value.why


def test_the_person_who_watches_may_end_the_tour(running: House) -> None:
    watcher = Watcher(leaves_at="stack")
    result = demo(running.context(), ["stack"], guide=watcher)
    assert result.chapters == ()
    assert watcher.shown == []


def alarmed(seen: StatusResult, *names: str, unknown: str = "") -> StatusResult:
    alerts = tuple(Alert(name=name, component="redis", instance="redis-0") for name in names)
    return replace(seen, alerts=alerts, alerts_unknown=unknown)


def test_an_answer_without_alerts_counts_only_if_the_alerts_are_known(running: House) -> None:
    seen = status(running.context())
    answers = [alarmed(seen, "Down"), alarmed(seen, unknown="monitoring timed out"), alarmed(seen)]
    looked: list[StatusResult] = []

    def look(_context: object) -> StatusResult:
        looked.append(answers[len(looked)])
        return looked[-1]

    tour = Tour(context=running.context(), guide=SilentGuide(), look=look)
    assert tour.until(lambda now: not now.alerts) is True
    assert len(looked) == 3


def test_waiting_for_an_alert_ends_after_two_minutes(running: House) -> None:
    seen = status(running.context())
    tour = Tour(context=running.context(), guide=SilentGuide(), look=lambda _: seen)
    began = running.clock.now()
    assert tour.until(lambda now: now.alerts) is None
    assert 115 < running.clock.now() - began < 125
