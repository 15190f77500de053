"""Tests run side by side; a test that breaks servers runs alone."""

from __future__ import annotations

import threading
from pathlib import Path

from nexusdev.testing.turns import beside, last_alone, turn


def ignored(text: str) -> None:
    del text


def test_tests_run_side_by_side(tmp_path: Path) -> None:
    with turn(tmp_path, alone=False, tell=ignored), turn(tmp_path, alone=False, tell=ignored):
        pass


def test_a_test_alone_waits_for_others_and_says_for_whom(tmp_path: Path) -> None:
    waits, entered = threading.Event(), threading.Event()
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        waits.set()

    def alone() -> None:
        with turn(tmp_path, alone=True, tell=tell):
            entered.set()

    with turn(tmp_path, alone=False, tell=ignored):
        thread = threading.Thread(target=alone)
        thread.start()
        assert waits.wait(30)
        assert not entered.is_set()
    thread.join(30)
    assert entered.is_set()
    assert told[0].startswith("waiting for pytest (pid ")


def test_nobody_overtakes_a_test_that_waits_to_be_alone(tmp_path: Path) -> None:
    order: list[str] = []
    first_waits, second_waits = threading.Event(), threading.Event()

    def alone() -> None:
        with turn(tmp_path, alone=True, tell=lambda _: first_waits.set()):
            order.append("alone")

    def later() -> None:
        with turn(tmp_path, alone=False, tell=lambda _: second_waits.set()):
            order.append("later")

    threads = [threading.Thread(target=each) for each in (alone, later)]
    with turn(tmp_path, alone=False, tell=ignored):
        threads[0].start()
        assert first_waits.wait(30)
        threads[1].start()
        assert second_waits.wait(30)
    for each in threads:
        each.join(30)
    assert order == ["alone", "later"]


def test_work_in_the_background_does_not_wait_for_the_queue_of_a_test_that_needs_it(tmp_path: Path) -> None:
    waits = threading.Event()

    def alone() -> None:
        with turn(tmp_path, alone=True, tell=lambda _: waits.set()):
            pass

    with turn(tmp_path, alone=False, tell=ignored):
        thread = threading.Thread(target=alone)
        thread.start()
        assert waits.wait(30)
        with beside(tmp_path, is_alone=lambda: False):
            pass
    thread.join(30)


def test_work_in_the_background_waits_for_a_test_alone_unless_it_is_of_the_same_process(tmp_path: Path) -> None:
    is_alone, worked = threading.Event(), threading.Event()

    def work() -> None:
        with beside(tmp_path, is_alone=is_alone.is_set):
            worked.set()

    with turn(tmp_path, alone=True, tell=ignored):
        thread = threading.Thread(target=work)
        thread.start()
        assert not worked.wait(0.2)
        is_alone.set()
        assert worked.wait(30)
    thread.join(30)


def test_the_last_turn_alone_is_known(tmp_path: Path) -> None:
    assert last_alone(tmp_path) == 0.0
    with turn(tmp_path, alone=False, tell=ignored):
        assert last_alone(tmp_path) == 0.0
    with turn(tmp_path, alone=True, tell=ignored):
        assert last_alone(tmp_path) > 0.0
