"""Calls several functions at once, each in a thread with its name."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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
        Exception: Whatever a question raised.
    """
    if not questions:
        return {}

    def ask(name: str) -> Answer:
        threading.current_thread().name = name  # for stack dumps
        try:
            return questions[name]()
        except Exception as error:
            error.add_note(f"in the thread: {name}")
            raise

    with ThreadPoolExecutor(max_workers=limit or len(questions)) as threads:
        asked = {name: threads.submit(ask, name) for name in questions}
    return {name: answer.result() for name, answer in asked.items()}
