"""Readiness of Toy: one row per failure, with the sentence that people read."""

from __future__ import annotations

import pytest

from tests.toy.components.toy.readiness import Facts, assess
from tests.toy.components.toy.status import statuses


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (Facts(servers={"toy-0": True}), ""),
        (Facts(servers={"toy-0": False}), "toy-0 does not answer"),
        (Facts(servers={"toy-0": False, "toy-1": False}), "toy-0 and toy-1 do not answer"),
    ],
)
def test_each_failure_has_its_sentence(facts: Facts, missing: str) -> None:
    assert assess(facts).missing == missing


def test_each_server_has_a_row() -> None:
    rows = statuses(Facts(servers={"toy-0": True, "toy-1": False}))
    assert [(row.service, row.state, row.ok) for row in rows] == [("toy-0", "running", True), ("toy-1", "down", False)]
