"""Functions that are called at once: their results, their threads' names, their errors."""

from __future__ import annotations

import threading

import pytest

from nexusdev.util.parallel import together


def test_results_have_the_order_of_the_questions() -> None:
    first_may_end = threading.Event()

    def first() -> int:
        assert first_may_end.wait(10)
        return 1

    def second() -> int:
        first_may_end.set()
        return 2

    assert list(together({"first": first, "second": second}).items()) == [("first", 1), ("second", 2)]


def test_no_questions_have_no_answers() -> None:
    assert together({}) == {}


@pytest.mark.parametrize("limit", [0, 1])
def test_each_thread_is_named_after_its_question(limit: int) -> None:
    names = together({each: lambda: threading.current_thread().name for each in ("a", "b")}, limit=limit)
    assert names == {"a": "a", "b": "b"}


def test_a_limit_bounds_the_number_of_threads() -> None:
    idents = together({str(each): threading.get_ident for each in range(8)}, limit=1)
    assert len(set(idents.values())) == 1


def test_an_error_names_its_thread() -> None:
    def fail() -> None:
        raise ValueError("refused")

    with pytest.raises(ValueError, match="refused") as raised:
        together({"inspect-db": fail})
    assert raised.value.__notes__ == ["in the thread: inspect-db"]
