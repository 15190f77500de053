"""The proof goes to Vault itself, whatever the caller's environment says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

import pytest

from nexusdev.components.vault.proof import prove
from tests.unit.env.servers import authority, refusing_proxy, serving


def vault(stream: IO[bytes]) -> None:
    """The login, the mark and the farewell."""
    while line := stream.readline():
        length = 0
        while (header := stream.readline().strip()) and header:
            name, _, value = header.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        stream.read(length)
        reply = {"auth": {"client_token": "t"}} if b"/login" in line else {"data": {"data": {"nonce": "n0nce"}}}
        body = json.dumps({**reply, "warnings": None}).encode()
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
        stream.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stream.flush()


def test_proxies_netrc_and_bundles_of_the_environment_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority(tmp_path)
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login a password b\n")
    with refusing_proxy() as (named, came), serving(tmp_path, vault) as port:
        for name, value in {**named, "NETRC": str(tmp_path / "netrc"), "REQUESTS_CA_BUNDLE": "/nowhere"}.items():
            monkeypatch.setenv(name, value)
        values = {
            "VAULT_ADDR": f"https://127.0.0.1:{port}",
            "VAULT_CACERT": str(tmp_path / "ca.crt"),
            "VAULT_TOKEN": "t",
            "VAULT_ROLE_ID": "r",
            "VAULT_SECRET_ID": "s",
        }
        proofs = prove(values, instance="shop", nonce="n0nce")
    assert [each.path for each in proofs] == ["vault-active by VAULT_TOKEN", "vault-active by VAULT_ROLE_ID"]
    assert came == []
