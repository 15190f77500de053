"""Asks several questions at once, in one thread each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def together(questions: Mapping[str, Callable[[], Result]]) -> dict[str, Result]:
    """Every answer under its question's name, in the order of the questions. What a question raises is raised here."""
    if not questions:
        return {}
    with ThreadPoolExecutor(max_workers=len(questions)) as threads:
        asked = {name: threads.submit(question) for name, question in questions.items()}
    return {name: answer.result() for name, answer in asked.items()}
