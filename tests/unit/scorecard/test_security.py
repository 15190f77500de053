"""Security controls fail when something is open: each is tried here against a server that is, and one that is not."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.scores import ControlResult, ScoreBench
from nexusdev.interfaces import Address, Completed, LogLine
from nexusdev.scorecard import security
from tests.access import instance_access
from tests.topology import topology

SECRET = "s3cretS3cretS3cretS3cret"
GOOD = "Name:\ttini\nUid:\t10001\t10001\t10001\t10001\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\ntouch: Read-only file system\n"


@dataclass
class Inside:
    """A runtime with one server that says this of itself."""

    says: str = GOOD
    log: Sequence[str] = ()

    def execute(self, service: str, argv: Sequence[str], **_: object) -> Completed:
        return Completed(exit_code=0, stdout=self.says.encode())

    def logs(self, services: Sequence[str], **_: object) -> Iterator[LogLine]:
        return iter([LogLine(service="redis-0", at=0.0, text=each) for each in self.log])

    def observe(self) -> Any:
        @dataclass
        class Server:
            runs: bool = True

        @dataclass
        class Seen:
            services: dict[str, Server] = field(default_factory=lambda: {"redis-0": Server()})

        return Seen()


class Secrets:
    """One password, and another one."""

    def __init__(self, *values: str) -> None:
        self.values = dict(zip(("redis-app", "redis-admin"), values, strict=False))

    def read(self, name: str) -> str:
        return self.values[name]


def result(
    name: str,
    *,
    runtime: Inside | None = None,
    port: int = 0,
    env_file: Path = Path("none"),
    secrets: Any = None,
    tls: Path = Path(),
) -> ControlResult:
    """What a control finds in an instance with one published port."""
    access = instance_access(
        tls,
        addresses={("redis-master", 6379): Address(host="127.0.0.1", port=port)} if port else {},
        runtime=runtime or Inside(),
        secrets=secrets or Secrets(SECRET, SECRET[::-1]),
        topology=topology(),
    )
    known = {each.name: each for each in security.controls(["redis-app", "redis-admin"], env_file)}
    return known[name].check(ScoreBench(access=access, values={}))


@contextlib.contextmanager
def server(answer: bytes) -> Iterator[int]:
    """A server on loopback that answers everything with these bytes; '' closes the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with connection, contextlib.suppress(OSError):
                        connection.recv(1024)
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("answer", [b"+PONG\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"-NOAUTH Authentication required.\r\n"])
def test_a_port_that_answers_without_tls_fails(answer: bytes) -> None:
    with server(answer) as port:
        found = result("no-plaintext", port=port)
    assert not found.passed
    assert "redis-master:6379" in found.evidence


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x15\x03\x03\x00\x02\x02\x28",
        b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server",
    ],
)
def test_a_port_that_refuses_what_is_not_tls_passes(answer: bytes) -> None:
    with server(answer) as port:
        assert result("no-plaintext", port=port).passed


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority and a client's certificate: one self-signed certificate is both."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=127.0.0.1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "client.key", "-out", folder / "client.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "ca.crt").write_bytes((folder / "client.crt").read_bytes())
    return folder


@contextlib.contextmanager
def tls_server(folder: Path) -> Iterator[int]:
    """A server with TLS 1.2 or newer on loopback."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "client.crt", folder / "client.key")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    context.wrap_socket(connection, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def test_a_port_without_tls_has_no_version(tls: Path) -> None:
    with server(b"+PONG\r\n") as port:
        found = result("tls-versions", port=port, tls=tls)
    assert (found.passed, found.evidence) == (False, "redis-master:6379 has no TLS")


def test_a_port_with_a_new_version_of_tls_passes(tls: Path) -> None:
    with tls_server(tls) as port:
        found = result("tls-versions", port=port, tls=tls)
    assert (found.passed, found.evidence) == (True, "1 port with TLSv1.3, none with TLS 1.1")


def test_a_certificate_that_is_valid_for_weeks_passes(tls: Path) -> None:
    with tls_server(tls) as port:
        found = result("certificates", port=port, tls=tls)
    assert found.passed
    assert "valid for 30 days" in found.evidence


def test_ports_on_loopback_pass_and_others_fail() -> None:
    with socket.create_server(("127.0.0.1", 0)) as inside, socket.create_server(("0.0.0.0", 0)) as outside:
        assert result("loopback-only", port=inside.getsockname()[1]).passed
        found = result("loopback-only", port=outside.getsockname()[1])
    assert not found.passed
    assert "0.0.0.0" in found.evidence


def test_a_port_that_closes_every_connection_at_once_is_served_by_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    listening.accept()[0].close()

        threading.Thread(target=serve, daemon=True).start()
        found = result("no-plaintext", port=listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)
    assert (found.passed, found.evidence) == (True, "0 ports tried, none answers without TLS")


def test_a_server_with_the_least_privileges_passes() -> None:
    assert result("least-privilege").passed


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("Uid:\t10001", "Uid:\t0", "redis-0 runs as root"),
        ("CapEff:\t0000000000000000", "CapEff:\t00000000a80425fb", "redis-0 has capabilities"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "redis-0 may gain privileges"),
        ("touch: Read-only file system", "", "redis-0 can write to its image"),
    ],
)
def test_each_privilege_too_many_fails(before: str, after: str, words: str) -> None:
    found = result("least-privilege", runtime=Inside(says=GOOD.replace(before, after)))
    assert (found.passed, found.evidence) == (False, words)


def test_a_secret_in_an_argument_is_named_without_its_value() -> None:
    found = result("secrets-hidden", runtime=Inside(says=f"{GOOD}redis-cli\n-a\n{SECRET}\n"))
    assert (found.passed, found.evidence) == (False, "redis-app in the configuration of redis-0")


def test_a_secret_in_a_log_is_named_without_its_value() -> None:
    found = result("secrets-hidden", runtime=Inside(log=[f"login with {SECRET}"]))
    assert (found.passed, found.evidence) == (False, "redis-app in the log of redis-0")


def test_secrets_that_are_nowhere_pass() -> None:
    assert result("secrets-hidden", runtime=Inside(log=["started"])).passed


def test_a_password_that_is_used_twice_fails() -> None:
    assert result("different-passwords").passed
    assert not result("different-passwords", secrets=Secrets(SECRET, SECRET)).passed


def test_an_env_file_that_others_can_read_fails(tmp_path: Path) -> None:
    file = tmp_path / ".env.nexusdev"
    file.write_text("A=1")
    file.chmod(0o600)
    assert result("env-file", env_file=file).passed
    file.chmod(0o644)
    assert result("env-file", env_file=file).evidence == ".env.nexusdev: mode 0644, outside for git"


def test_an_env_file_that_git_would_add_fails(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    file = tmp_path / ".env.nexusdev"
    file.write_text("A=1")
    file.chmod(0o600)
    assert not result("env-file", env_file=file).passed
    (tmp_path / ".gitignore").write_text(".env.nexusdev\n")
    assert result("env-file", env_file=file).passed
