"""The passwords of a slice: derived, so that nothing but a seed is stored, and different for each purpose and each slice."""

from __future__ import annotations

import re

import pytest

from nexusdev.components.leases import HasLeasePart, Slice
from nexusdev.components.registry import ROWS, create

SLICE = Slice(id="a123456789", seed="one")


def test_a_password_is_the_same_each_time_and_differs_by_purpose_and_seed() -> None:
    assert SLICE.secret("redis") == Slice(id="b123456789", seed="one").secret("redis")
    assert SLICE.secret("redis") != SLICE.secret("postgres")
    assert SLICE.secret("redis") != Slice(id="a123456789", seed="two").secret("redis")


def test_a_password_has_the_length_that_was_asked_for_and_needs_no_quoting() -> None:
    for length in (20, 32, 40, 50):
        assert re.fullmatch(f"[a-z2-7]{{{length}}}", SLICE.secret("any", length))


PARTS = {name: each for name in ROWS if isinstance(each := create(name, {}), HasLeasePart)}


def test_every_store_of_applications_has_a_part_in_leases() -> None:
    assert {"postgres", "redis", "minio", "vault"} <= PARTS.keys()


@pytest.mark.parametrize("name", PARTS)
def test_a_name_on_a_server_has_the_id_and_not_the_password(name: str) -> None:
    described = PARTS[name].lease_part().describe(SLICE)
    assert SLICE.id in described
    assert SLICE.secret(name) not in described
