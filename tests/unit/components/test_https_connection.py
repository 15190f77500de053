"""One HTTPS request over real TLS: trusted by the instance's CA, held to the server's name, bounded in time."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from nexusdev.components import https_connection
from nexusdev.interfaces import Address, InstanceAccess
from tests.access import instance_access
from tests.unit.env.servers import authority, serving


def site_of(folder: Path) -> InstanceAccess:
    return instance_access(
        folder,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return authority(tmp_path / "tls")


@contextmanager
def answering(folder: Path, reply: bytes, heard: list[bytes]) -> Iterator[Address]:
    def talk(stream: IO[bytes]) -> None:
        line = stream.readline()
        while line.strip():
            heard.append(line.strip())
            line = stream.readline()
        stream.write(reply)

    with serving(folder, talk) as port:
        yield Address(host="127.0.0.1", port=port)


def test_a_reply_is_read_completely_for_any_status(folder: Path) -> None:
    heard: list[bytes] = []
    reply = b'HTTP/1.1 503 Busy\r\nX-Role: replica\r\nContent-Length: 9\r\n\r\n{"a": [1]}'[:-1]
    with answering(folder, reply, heard) as address:
        answer = https_connection.request(
            "OPTIONS", address, "/x?y=1", access=site_of(folder), name="localhost", headers={"A": "b"}
        )
    assert (answer.status, answer.headers["x-role"], answer.text) == (503, "replica", '{"a": [1]')
    assert heard[0] == b"OPTIONS /x?y=1 HTTP/1.1"
    assert b"A: b" in heard


def test_json_replies_are_decoded(folder: Path) -> None:
    with answering(folder, b'HTTP/1.1 200 OK\r\n\r\n{"a": 1}', []) as address:
        assert https_connection.get(address, "/", access=site_of(folder)).json() == {"a": 1}


def test_a_certificate_without_the_server_name_is_refused(folder: Path) -> None:
    with answering(folder, b"", []) as address, pytest.raises(ssl.SSLCertVerificationError):
        https_connection.get(address, "/", access=site_of(folder), name="postgresql-0")


def test_a_certificate_of_another_instance_is_refused(folder: Path, tmp_path: Path) -> None:
    stranger = authority(tmp_path / "stranger")
    with answering(stranger, b"", []) as address, pytest.raises(ssl.SSLCertVerificationError):
        https_connection.get(address, "/", access=site_of(folder))


def test_a_replaced_ca_file_is_read_again(folder: Path, tmp_path: Path) -> None:
    https_connection.context(site_of(folder))
    for file in folder.iterdir():
        file.unlink()
    authority(folder)
    with answering(folder, b"HTTP/1.1 204 No\r\n\r\n", []) as address:
        assert https_connection.get(address, "/", access=site_of(folder)).status == 204


def test_a_reply_that_is_not_http_is_an_unreachable_server(folder: Path) -> None:
    with answering(folder, b"+PONG\r\n", []) as address, pytest.raises(ConnectionError, match="does not speak HTTP"):
        https_connection.get(address, "/", access=site_of(folder))


def test_a_silent_server_times_out(folder: Path) -> None:
    def never(stream: IO[bytes]) -> None:
        stream.read()

    with serving(folder, never) as port, pytest.raises(TimeoutError):
        https_connection.get(Address(host="127.0.0.1", port=port), "/", access=site_of(folder), timeout=0.2)
