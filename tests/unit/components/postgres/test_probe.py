"""What a probe asks of the primary, by a server that takes one query and then ends the conversation."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.components.postgres import names
from nexusdev.components.postgres.probe import _Login
from nexusdev.components.postgres.readiness import Serves
from nexusdev.interfaces import Address, InstanceAccess
from tests.unit.env import servers


@pytest.mark.parametrize(("test_writes", "writes"), [(False, None), (True, False)])
def test_the_probe_writes_only_when_testing_writes(
    access: InstanceAccess, tmp_path: Path, test_writes: bool, writes: bool | None
) -> None:
    tls = servers.authority(tmp_path / "tls")
    password = access.secrets.read(names.PASSWORDS[names.SUPERUSER])
    seen: list[str] = []
    talk = servers.postgres("f", password=password, seen=seen)
    files = {"ca_file": tls / "ca.crt", "client_certificate": tls / "client.crt", "client_key": tls / "client.key"}
    login = _Login(access=replace(access, **files), user=names.SUPERUSER, database=names.MAINTENANCE)
    with servers.serving(tls, talk, starttls=True) as port:
        route, _ = login.read_primary(Address(host="127.0.0.1", port=port), test_writes=test_writes)
    assert (route.serves, route.writes) == (Serves.PRIMARY, writes)
    # the write that is tested is the second query, which this server does not answer
    assert bool(route.answer) == test_writes
    assert [query.split()[0] for query in seen] == ["SELECT"]
    assert "pg_logical_emit_message" not in seen[0]
