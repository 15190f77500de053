"""Calls several functions at once, each in a thread with its name."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

Answer = TypeVar("Answer")


def together(questions: Mapping[str, Callable[[], Answer]], *, limit: int = 0) -> dict[str, Answer]:
    """Ask several questions at once.

    Args:
        questions: Name → function.
        limit: Number of threads; 0 for one per question.

    Returns:
        Name → result, in the order of the questions.

    Raises:
        Exception: Whatever a question raised; of several the first, in the order of the questions.
    """
    waiting = deque(questions)
    answers: dict[str, Answer] = {}
    failures: dict[str, BaseException] = {}

    # not concurrent.futures, which imports logging: every command that asks servers would wait for it
    def work() -> None:
        while waiting:
            try:
                name = waiting.popleft()
            except IndexError:
                return
            threading.current_thread().name = name  # for stack dumps
            try:
                answers[name] = questions[name]()
            except BaseException as error:  # passed to the calling thread
                error.add_note(f"in the thread: {name}")
                failures[name] = error

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(limit or len(questions), len(questions)))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for name in questions:
        if name in failures:
            raise failures[name]
    return {name: answers[name] for name in questions}
