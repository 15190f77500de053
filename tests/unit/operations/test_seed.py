"""seed: every component is seeded again."""

from __future__ import annotations

import pytest

from nexusdev.errors import NotFound
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from tests.fakes import House, shown


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_seed_reports_its_changes(running: House) -> None:
    outcome = seed(running.context(), ["redis"])
    assert shown(outcome).data["changes"] == {"redis": ["created something"]}


def test_seed_reports_that_nothing_changed(running: House) -> None:
    running.redis.changes = running.gateway.changes = ()
    assert shown(seed(running.context())).output == ("nothing to do: everything is already seeded",)


def test_a_stopped_component_cannot_be_seeded(house: House) -> None:
    up(house.context(), ["gateway"])
    with pytest.raises(NotFound, match="redis is not running"):
        seed(house.context(), ["redis"])
