"""``images push``: several at once, what failed is told with the rest done, and a second call sends nothing."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.errors import InvalidConfig
from nexusdev.operations import images
from tests.fakes import House

REGISTRY = "registry:5000/team"


def test_every_image_is_pushed_and_a_second_push_sends_nothing(house: House) -> None:
    first = images.push(house.context(), REGISTRY)
    assert sorted(house.store.pushed) == sorted(f"{REGISTRY}/{house.reference(name)}" for name in house.images)
    assert len(first.changed) == len(house.images)
    assert all(each.pinned.endswith(each.digest) for each in first.images)
    again = images.push(house.context(), REGISTRY)
    assert (again.changed, len(again.images), again.error) == ((), len(house.images), None)


def test_what_is_named_is_pushed_to_the_registry_of_the_settings(house: House) -> None:
    context = house.context()
    chosen = replace(context, settings=context.settings._replace(registry=REGISTRY))
    assert [each.target for each in images.push(chosen, names=["redis"]).images] == [
        f"{REGISTRY}/{house.reference('redis')}"
    ]


def test_an_image_that_is_refused_does_not_stop_the_others(house: House) -> None:
    house.store.refusing[f"{REGISTRY}/{house.reference('redis')}"] = "unauthorized"
    found = images.push(house.context(), REGISTRY)
    assert [each.reference for each in found.images] == [house.reference("haproxy")]
    assert found.failed == {house.reference("redis"): "unauthorized"}
    assert found.error is not None
    assert found.error.message == f"1 image of 2 could not be pushed to {REGISTRY}"


def test_a_push_needs_a_registry(house: House) -> None:
    with pytest.raises(InvalidConfig, match="a registry is needed"):
        images.push(house.context())


@pytest.mark.parametrize("name", ["https://registry", "Registry:5000", "registry:5000//x", "-x", "a b"])
def test_a_wrong_registry_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidConfig, match="REGISTRY: registry must be a registry such as"):
        images.push(house.context(), name)
