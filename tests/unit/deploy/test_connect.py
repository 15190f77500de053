"""Components that need each other are connected when both run and are seeded."""

from __future__ import annotations

import pytest

from nexusdev.deploy.connect import connect_components
from nexusdev.events import Seeded
from nexusdev.operations.seed import seed
from nexusdev.operations.up import up
from tests.dynamic_logins import FakeDatabase, FakeIssuer
from tests.fakes import House


@pytest.fixture
def issuer() -> FakeIssuer:
    return FakeIssuer(name="gateway", requires=())


@pytest.fixture
def both(house: House, issuer: FakeIssuer) -> House:
    house.redis, house.gateway = FakeDatabase(name="redis"), issuer
    return house


def test_up_connects_them_after_both_are_seeded(both: House, issuer: FakeIssuer) -> None:
    result = up(both.context())
    assert issuer.connected == ["redis"]
    assert result.seeded["gateway"][-1] == "connected redis"
    assert both.heard.of(Seeded)[-1].changes == ("connected redis",)


def test_an_up_with_nothing_to_do_connects_nothing(both: House, issuer: FakeIssuer) -> None:
    up(both.context())
    up(both.context())
    assert issuer.connected == ["redis"]


def test_an_up_of_the_issuer_alone_connects_nothing(both: House, issuer: FakeIssuer) -> None:
    up(both.context(), ["gateway"])
    assert issuer.connected == []


def test_a_later_up_of_the_database_connects_both(both: House, issuer: FakeIssuer) -> None:
    up(both.context(), ["gateway"])
    up(both.context(), ["redis"])
    assert issuer.connected == ["redis"]


def test_seeding_connects_what_was_lost(both: House, issuer: FakeIssuer) -> None:
    up(both.context())
    issuer.connected.clear()
    assert seed(both.context()).changes["gateway"][-1] == "connected redis"


def test_seeding_one_component_connects_it(both: House, issuer: FakeIssuer) -> None:
    up(both.context())
    issuer.connected.clear()
    seed(both.context(), ["redis"])
    assert issuer.connected == ["redis"]


def test_only_connections_of_the_given_components_are_made(both: House, issuer: FakeIssuer) -> None:
    context = both.context()
    up(context)
    issuer.connected.clear()
    instance = context.instance()
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack), stack)
    assert connect_components(context, [*both.components.values()], access, only=["minio"]) == {}
    assert issuer.connected == []
