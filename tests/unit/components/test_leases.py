"""Slices and what all parts of leases have in common: derived passwords, names, and what is said of a full disk."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from nexusdev.components.leases import HasLeasePart, Slice, hint
from nexusdev.components.postgres.lease import PostgresLease
from nexusdev.components.registry import ROWS, create
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.postgres import PostgresError

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


@pytest.mark.parametrize(
    "why",
    [
        'could not extend file "base/16423/1249": No space left on device',
        "XMinioStorageFull (PUT /nexus-lease-abc)",
        "write /vault/data: no space left on device",
    ],
)
def test_a_full_disk_is_named_with_what_frees_it(why: str) -> None:
    first, *rest = hint("MinIO", "minio", why).splitlines()
    assert first == "nexusdev gc   free disk space: the disk of the servers is full"
    assert rest == hint("MinIO", "minio", "connection refused").splitlines()


class FullSessions:
    """Connections to servers whose disk is full."""

    @contextmanager
    def use(self, *_: Any) -> Iterator[Any]:
        yield self

    def ask(self, sql: str) -> list[tuple[str]]:
        if sql.startswith("CREATE DATABASE"):
            raise PostgresError('could not write to file "base/1/2": No space left on device', "53100")
        return [("1",)]


def full() -> InstanceAccess:
    class Access:
        sessions = FullSessions()

    return cast("InstanceAccess", Access())


def test_a_lease_on_a_full_disk_fails_with_the_servers_words() -> None:
    with pytest.raises(SeedingFailed, match="creating the database of a lease failed") as caught:
        PostgresLease().make(full(), Slice(id="abcdefghij", seed="x"))
    assert "No space left on device" in caught.value.why
    assert caught.value.hint.startswith("nexusdev gc   free disk space")
