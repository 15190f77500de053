"""The proof asks every endpoint over real TLS; servers that lie, refuse, or belong to others are told apart."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from email.utils import formatdate
from pathlib import Path
from typing import IO

import pytest

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.registry import published_endpoints
from nexusdev.env.proof import ask_all, inquire, prove
from nexusdev.errors import Degraded, IdentityMismatch, NotFound
from nexusdev.instance import certificates
from tests.fakes import Ahead
from tests.unit.env import servers

ALL = ComponentSet()

NONCE = "n0nce"


@pytest.fixture
def tls(tmp_path: Path) -> Path:
    return servers.authority(tmp_path / "tls")


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def platform(tls: Path, running: ExitStack, nonce: str = NONCE) -> dict[str, str]:
    """The variables of a whole platform of small servers."""

    def serve(talk: servers.Talk, *, starttls: bool = False) -> int:
        return running.enter_context(servers.serving(tls, talk, starttls=starttls))

    postgres = serve(servers.postgres(nonce), starttls=True)
    replica = serve(servers.postgres(nonce, replica=True), starttls=True)
    redis, sentinel = serve(servers.redis(nonce)), serve(servers.redis(nonce))
    url = f"postgresql://nexus_app:{servers.PASSWORD}@127.0.0.1:{postgres}/nexus_architect?sslmode=verify-full"
    return {
        **dict.fromkeys(("DATABASE_URL", "DATABASE_POOL_URL"), url),
        "DATABASE_RO_URL": url.replace(str(postgres), str(replica)),
        "DATABASE_MIGRATION_URL": url.replace("nexus_app:", "nexus_owner:"),
        "PGHOST": "127.0.0.1",
        "PGPORT": str(postgres),
        "PGUSER": "nexus_app",
        "PGPASSWORD": servers.PASSWORD,
        "PGDATABASE": "nexus_architect",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(redis),
        "REDIS_USERNAME": "nexus_app",
        "REDIS_PASSWORD": servers.PASSWORD,
        "REDIS_SENTINELS": f"127.0.0.1:{sentinel}",
        "REDIS_MASTER_NAME": "nexus",
        "MINIO_ENDPOINT": f"127.0.0.1:{serve(servers.minio(nonce))}",
        "MINIO_ACCESS_KEY": "key",
        "MINIO_SECRET_KEY": "secret",
        "VAULT_ADDR": f"https://127.0.0.1:{serve(servers.vault(nonce))}",
        "VAULT_TOKEN": "hvs.x",
        "PROMETHEUS_URL": f"https://127.0.0.1:{serve(servers.http('Ready'))}",
        "ALERTMANAGER_URL": f"https://127.0.0.1:{serve(servers.http('OK'))}",
        "GRAFANA_URL": f"https://127.0.0.1:{serve(servers.http('{}'))}",
        "NEXUSDEV_CA_FILE": str(tls / "ca.crt"),
    }


def ask(values: dict[str, str], timeout: float = 3.0) -> list[str]:
    endpoints = published_endpoints(ALL, values)
    return [answer.path for answer in prove(endpoints, values, instance="shop-1", nonce=NONCE, timeout=timeout)]


def while_starting(values: dict[str, str]) -> None:
    inquire(published_endpoints(ALL, values), values, instance="shop-1", nonce=NONCE, timeout=3.0)


def test_every_path_answers_with_the_nonce_of_the_instance(tls: Path, running: ExitStack) -> None:
    values = platform(tls, running)
    assert ask(values) == [
        *("DATABASE_URL", "DATABASE_RO_URL", "DATABASE_POOL_URL", "DATABASE_MIGRATION_URL"),
        *("REDIS_URL", f"REDIS_SENTINELS {values['REDIS_SENTINELS']}"),
        *(
            "MINIO_ENDPOINT",
            "MINIO_ENDPOINT nexus-backups",
            "VAULT_ADDR",
            "PROMETHEUS_URL",
            "ALERTMANAGER_URL",
            "GRAFANA_URL",
        ),
    ]


def test_only_endpoints_in_the_variables_are_asked(tls: Path, running: ExitStack) -> None:
    values = platform(tls, running)
    assert ask({name: values[name] for name in ("VAULT_ADDR", "VAULT_TOKEN", "NEXUSDEV_CA_FILE")}) == ["VAULT_ADDR"]


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_HOST", "MINIO_ENDPOINT", "VAULT_ADDR"])
def test_a_nonce_of_another_instance_is_an_identity_mismatch(tls: Path, running: ExitStack, name: str) -> None:
    values, others = platform(tls, running), platform(tls, running, nonce="another")
    keys = {name, "REDIS_PORT"} if name == "REDIS_HOST" else {name}
    with pytest.raises(IdentityMismatch) as raised:
        ask({**values, **{key: others[key] for key in keys}})
    assert raised.value.exit_status == 9
    assert "does not belong to instance shop-1" in raised.value.message
    assert "another" in raised.value.why


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_HOST", "MINIO_ENDPOINT", "VAULT_ADDR"])
def test_a_server_without_a_nonce_fails_the_proof(tls: Path, running: ExitStack, name: str) -> None:
    values, empty = platform(tls, running), platform(tls, running, nonce="")
    keys = {name, "REDIS_PORT"} if name == "REDIS_HOST" else {name}
    with pytest.raises(IdentityMismatch, match="does not belong to instance shop-1"):
        ask({**values, **{key: empty[key] for key in keys}})


def test_a_server_of_another_ca_is_an_identity_mismatch(tls: Path, running: ExitStack, tmp_path: Path) -> None:
    values = platform(servers.authority(tmp_path / "other"), running)
    with pytest.raises(IdentityMismatch, match="does not belong to instance shop-1"):
        ask({**values, "NEXUSDEV_CA_FILE": str(tls / "ca.crt")})


@pytest.mark.parametrize(
    ("name", "words"),
    [("PGPASSWORD", "password authentication failed"), ("REDIS_PASSWORD", "WRONGPASS")],
)
def test_a_refused_login_quotes_the_server(tls: Path, running: ExitStack, name: str, words: str) -> None:
    with pytest.raises(Degraded) as raised:
        ask({**platform(tls, running), name: "wrong"})
    assert raised.value.exit_status == 4
    assert any(words in line for line in raised.value.evidence)


def test_the_url_for_migrations_is_proven_with_its_own_login(tls: Path, running: ExitStack) -> None:
    values = platform(tls, running)
    wrong = values["DATABASE_MIGRATION_URL"].replace(servers.PASSWORD, "wrong")
    with pytest.raises(Degraded, match="DATABASE_MIGRATION_URL"):
        ask({**values, "DATABASE_MIGRATION_URL": wrong})


@pytest.mark.parametrize(
    ("name", "other", "why"),
    [
        ("DATABASE_RO_URL", "DATABASE_URL", "it leads to the primary, not to a replica"),
        ("DATABASE_URL", "DATABASE_RO_URL", "it leads to a replica, not to the primary"),
        ("DATABASE_POOL_URL", "DATABASE_RO_URL", "it leads to a replica, not to the primary"),
    ],
)
def test_a_url_that_leads_to_the_wrong_role_is_degraded(
    tls: Path, running: ExitStack, name: str, other: str, why: str
) -> None:
    values = platform(tls, running)
    with pytest.raises(Degraded, match=name) as raised:
        ask({**values, name: values[other]})
    assert any(why in line for line in raised.value.evidence)


def test_a_redis_replica_is_degraded(tls: Path, running: ExitStack) -> None:
    port = running.enter_context(servers.serving(tls, servers.redis(NONCE, role="slave")))
    with pytest.raises(Degraded, match="REDIS_URL") as raised:
        ask({**platform(tls, running), "REDIS_PORT": str(port)})
    assert raised.value.why == "it leads to a replica, not to the master"


def test_a_key_that_opens_the_backups_is_degraded(tls: Path, running: ExitStack) -> None:
    port = running.enter_context(servers.serving(tls, servers.http(NONCE)))
    with pytest.raises(Degraded, match="MINIO_ENDPOINT nexus-backups") as raised:
        ask({**platform(tls, running), "MINIO_ENDPOINT": f"127.0.0.1:{port}"})
    assert raised.value.why == "the application's key can read nexus-backups"


def test_an_unanswered_backup_request_does_not_prove_denial(tls: Path, running: ExitStack) -> None:
    talk = servers.http("", "503 Service Unavailable")
    port = running.enter_context(servers.serving(tls, talk))
    with pytest.raises(Degraded) as raised:
        ask({**platform(tls, running), "MINIO_ENDPOINT": f"127.0.0.1:{port}"})
    assert any(line.startswith("MINIO_ENDPOINT nexus-backups: ") and "503" in line for line in raised.value.evidence)


def test_libpq_variables_with_another_login_are_proven_separately(tls: Path, running: ExitStack) -> None:
    values, others = platform(tls, running), platform(tls, running, nonce="another")
    with pytest.raises(IdentityMismatch, match="PGHOST"):
        ask({**values, "PGPORT": others["PGPORT"]})


def test_a_sealed_vault_is_recognized_by_its_status(tls: Path, running: ExitStack) -> None:
    port = running.enter_context(servers.serving(tls, servers.http("{}", "503 Service Unavailable")))
    with pytest.raises(Degraded) as raised:
        ask({**platform(tls, running), "VAULT_ADDR": f"https://127.0.0.1:{port}"})
    assert "503" in raised.value.why


def test_one_closed_port_is_degraded_and_names_its_variable(tls: Path, running: ExitStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Degraded, match="PROMETHEUS_URL"):
        ask({**platform(tls, running), "PROMETHEUS_URL": f"https://127.0.0.1:{port}"})


def test_an_instance_with_all_ports_closed_is_not_running(tls: Path) -> None:
    with ExitStack() as gone:
        values = platform(tls, gone)
    with pytest.raises(NotFound, match="is not running") as raised:
        ask(values)
    assert raised.value.exit_status == 3


def test_a_silent_server_fails_at_the_timeout(tls: Path, running: ExitStack) -> None:
    silent = running.enter_context(socket.create_server(("127.0.0.1", 0)))
    values = {"VAULT_ADDR": f"https://127.0.0.1:{silent.getsockname()[1]}", "NEXUSDEV_CA_FILE": str(tls / "ca.crt")}
    with pytest.raises(Degraded, match="VAULT_ADDR"):
        ask(values, timeout=0.2)


def test_another_protocol_fails_the_proof(tls: Path, running: ExitStack) -> None:
    values = platform(tls, running)
    values["VAULT_ADDR"] = f"https://127.0.0.1:{values['REDIS_PORT']}"
    answers = ask_all(published_endpoints(ALL, values), values)
    assert [answer.path for answer in answers if answer.fault] == ["VAULT_ADDR"]


def test_a_certificate_not_yet_valid_is_a_wrong_clock(
    tmp_path: Path, running: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(certificates, "datetime", Ahead)
        values = platform(servers.authority(tmp_path / "tls"), running)
    for probe in (ask, while_starting):
        with pytest.raises(Degraded) as caught:
            probe(values)
        assert caught.value.code == "CLOCK_SKEW"
        assert "not yet valid" in caught.value.why
    assert str(datetime.now(UTC).year) in caught.value.why
    assert str(datetime.now(UTC).year + 3) in caught.value.why


@pytest.mark.parametrize("minutes", [-120, 20])
def test_a_refused_signature_names_both_clocks(tls: Path, running: ExitStack, minutes: int) -> None:
    there = time.time() + 60 * minutes
    date = formatdate(there, usegmt=True)

    def refuse(stream: IO[bytes]) -> None:
        while stream.readline().strip():
            pass
        stream.write(f"HTTP/1.0 403 Forbidden\r\nDate: {date}\r\n\r\n".encode())

    values = platform(tls, running)
    values["MINIO_ENDPOINT"] = f"127.0.0.1:{running.enter_context(servers.serving(tls, refuse))}"
    with pytest.raises(Degraded) as caught:
        ask(values)
    assert caught.value.code == "CLOCK_SKEW"
    assert time.strftime("the server's clock says %Y-%m-%d %H:%M:%S UTC", time.gmtime(there)) in caught.value.why
    assert "this machine's " in caught.value.why
