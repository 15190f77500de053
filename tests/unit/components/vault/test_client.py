"""Connections over real TLS stay open, a dead one is replaced, and the gateway gets a new one each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from nexusdev.components.vault import names
from nexusdev.components.vault.client import Api, Connections, VaultError
from nexusdev.interfaces import Address
from tests.access import instance_access
from tests.unit.env.servers import authority, serving


@dataclass
class Server:
    """Answers each request by its path; ends a connection after ``polite`` requests no error message."""

    polite: int = 99
    connections: int = 0
    heard: list[str] = field(default_factory=list)

    def talk(self, stream: IO[bytes]) -> None:
        self.connections += 1
        for _ in range(self.polite):
            line = stream.readline()
            while (header := stream.readline().strip()) and header:
                self.heard.append(header.decode())
            if not line:
                return
            body = b'{"errors": ["no such thing"]}' if b"missing" in line else b'{"data": {"a": 1}}'
            status = b"404 Not Found" if b"missing" in line else b"200 OK"
            stream.write(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
            stream.flush()


@contextmanager
def serve(folder: Path, server: Server) -> Iterator[Connections]:
    authority(folder)
    with serving(folder, server.talk) as port:
        address = Address(host="127.0.0.1", port=port)
        yield Connections(
            instance_access(
                folder,
                nonce="n0nce",
                addresses={(name, names.PORT): address for name in ("vault-0", names.ROLE)},
            )
        )


def test_a_second_request_reuses_the_connection(tmp_path: Path) -> None:
    server = Server()
    with serve(tmp_path, server) as connections:
        api = Api(transport=connections, server="vault-0", token="t0ken")
        assert [api.find("x") for _ in range(3)] == [{"a": 1}] * 3
    assert server.connections == 1
    assert "X-Vault-Token: t0ken" in server.heard


def test_a_dead_kept_connection_is_replaced(tmp_path: Path) -> None:
    server = Server(polite=1)
    with serve(tmp_path, server) as connections:
        api = Api(transport=connections, server="vault-0")
        assert [api.find("x") for _ in range(3)] == [{"a": 1}] * 3
    assert server.connections == 3


def test_a_fresh_request_neither_uses_nor_keeps_a_connection(tmp_path: Path) -> None:
    server = Server()
    with serve(tmp_path, server) as connections:
        api = Api(transport=connections)
        for _ in range(3):
            assert api.ask("GET", "sys/health", fresh=True).status == 200
    assert server.connections == 3


def test_an_unreachable_server_is_an_os_error(tmp_path: Path) -> None:
    with serve(tmp_path, Server()) as connections:
        pass
    with pytest.raises(OSError, match="refused"):
        Api(transport=connections, server="vault-0").ask("GET", "x")


def test_a_refusal_quotes_vault(tmp_path: Path) -> None:
    with serve(tmp_path, Server()) as connections:
        api = Api(transport=connections, server="vault-0")
        assert api.find("missing") is None
        with pytest.raises(VaultError) as caught:
            api.need("GET", "missing")
    assert caught.value.why == "HTTP 404: no such thing"
    assert not caught.value.passing
