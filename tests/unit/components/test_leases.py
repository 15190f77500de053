"""What all parts of leases have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest

from nexusdev.components.leases import Slice, hint
from nexusdev.components.postgres.lease import PostgresLease
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess
from nexusdev.wire.postgres import PostgresError


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
