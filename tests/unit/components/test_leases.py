"""The passwords of a slice: derived, so that nothing but a seed is stored, and different for each purpose and each slice."""

from __future__ import annotations

import re

import pytest

from nexusdev.components.leases import HasLeasePart, Slice
from nexusdev.components.registry import ROWS, create

SLICE = Slice(id="a123456789", seed="one")


def test_a_password_is_deterministic_by_purpose_and_seed() -> None:
    assert SLICE.secret("redis") == Slice(id="b123456789", seed="one").secret("redis")
    assert SLICE.secret("redis") != SLICE.secret("postgres")
    assert SLICE.secret("redis") != Slice(id="a123456789", seed="two").secret("redis")


def test_a_password_has_the_requested_length_and_needs_no_quoting() -> None:
    for length in (20, 32, 40, 50):
        assert re.fullmatch(f"[a-z2-7]{{{length}}}", SLICE.secret("any", length))


#: What the parts derive secrets for.
PURPOSES = ("postgres", "redis", "minio", "vault", "vault-role")
PARTS = {name: each for name in ROWS if isinstance(each := create(name, {}), HasLeasePart)}


def test_every_application_store_supports_leases() -> None:
    assert {"postgres", "redis", "minio", "vault"} <= PARTS.keys()


@pytest.mark.parametrize("name", PARTS)
def test_a_server_side_name_has_the_id_and_not_the_password(name: str) -> None:
    described = PARTS[name].lease_part().describe(SLICE)
    assert SLICE.id in described
    assert [each for each in PURPOSES if SLICE.secret(each, 20) in described] == []
