"""Certificates that the strictest verifiers accept, with every name a server has, and made again only when they must be."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec.structs import replace

from nexusdev.errors import PreflightFailed
from nexusdev.instance import certificates
from nexusdev.instance.certificates import prepare, wanted_names
from nexusdev.stack.model import SecretRecipe, Stack
from tests.fakes import Ahead
from tests.imports import imported_by


@pytest.fixture
def tls(root: Path) -> Path:
    return root / "instances" / "shop-1" / "tls"


def issue(tls: Path, stack: Stack) -> tuple[str, ...]:
    return prepare(tls, stack, instance="shop-1", nonce="n0nce", uid=os.getuid(), gid=os.getgid())


def load(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def test_a_certificate_has_every_name_of_its_service(stack: Stack) -> None:
    domain = "nexus-architect.svc.cluster.local"
    assert set(wanted_names(stack)["db"]) == {
        *("db-0", "db-alias", "db-primary", "localhost", "127.0.0.1", "::1"),
        *(f"db-0.{domain}", f"db-alias.{domain}", f"db-primary.{domain}"),
    }


def test_the_certificate_of_a_sidecar_has_the_names_of_its_owner(stack: Stack) -> None:
    relay = replace(stack.services["relay-0"], files=stack.services["db-0"].files)
    alone = replace(stack.services["db-0"], files=())
    names = wanted_names(replace(stack, services={"db-0": alone, "relay-0": relay}))["db"]
    assert {"relay-0", "db-0", "db-alias"} <= set(names)


def test_certificates_are_issued_once(tls: Path, stack: Stack) -> None:
    assert set(issue(tls, stack)) == {"ca", "db", "client"}
    assert issue(tls, stack) == ()


def test_a_new_name_renews_only_that_certificate(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    ca = (tls / "ca.crt").read_bytes()
    recipe = SecretRecipe(certificate="db", names=("db-primary", "db-new"))
    secrets = {**stack.secrets, "db-crt": replace(stack.secrets["db-crt"], recipe=recipe)}
    assert issue(tls, replace(stack, secrets=secrets)) == ("db",)
    assert (tls / "ca.crt").read_bytes() == ca


@pytest.mark.parametrize("loss", ["db.key", "db.crt"])
def test_an_incomplete_pair_is_reissued(tls: Path, stack: Stack, loss: str) -> None:
    issue(tls, stack)
    (tls / loss).unlink()
    assert issue(tls, stack) == ("db",)


def test_a_lost_authority_renews_everything(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    (tls / "ca.key").unlink()
    assert set(issue(tls, stack)) == {"ca", "db", "client"}


def test_it_is_renewed_below_thirty_days(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    index = tls / ".issued.json"
    until = load(tls / "db.crt").not_valid_after_utc.timestamp()
    index.write_text(index.read_text().replace(str(until), str(until - 800 * 86400)))
    assert set(issue(tls, stack)) >= {"db"}


def test_certificates_from_the_future_are_renewed(tls: Path, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as ahead:
        ahead.setattr(certificates, "datetime", Ahead)
        issue(tls, stack)
    assert load(tls / "db.crt").not_valid_before_utc > datetime.now(UTC)
    assert set(issue(tls, stack)) == {"ca", "db", "client"}
    assert load(tls / "ca.crt").not_valid_before_utc < datetime.now(UTC)
    assert issue(tls, stack) == ()


def test_a_refused_clock_issues_nothing(tls: Path, stack: Stack) -> None:
    def refuse() -> None:
        raise PreflightFailed("the clock is wrong")

    def prepared() -> tuple[str, ...]:
        return prepare(
            tls, stack, instance="shop-1", nonce="n", uid=os.getuid(), gid=os.getgid(), before_issuing=refuse
        )

    with pytest.raises(PreflightFailed):
        prepared()
    assert list(tls.glob("*.crt")) == []
    issue(tls, stack)
    assert prepared() == ()


def test_a_renewed_certificate_keeps_the_mounted_inode(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    before = (tls / "db.crt").stat().st_ino
    (tls / "db.key").unlink()
    issue(tls, stack)
    assert (tls / "db.crt").stat().st_ino == before


def test_the_ca_has_the_nonce_and_signs_only_leaves(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    ca = load(tls / "ca.crt")
    assert ca.subject.get_attributes_for_oid(NameOID.SERIAL_NUMBER)[0].value == "n0nce"
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert constraints.value == x509.BasicConstraints(ca=True, path_length=0)


def test_a_server_certificate_is_for_servers_and_clients_and_lasts_825_days(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    leaf = load(tls / "db.crt")
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(usage) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    assert (leaf.not_valid_after_utc - leaf.not_valid_before_utc).days == 825


def test_keys_are_private_and_the_ca_is_readable(tls: Path, stack: Stack) -> None:
    issue(tls, stack)
    modes = {file.name: file.stat().st_mode & 0o777 for file in tls.iterdir() if not file.name.startswith(".")}
    assert modes == {
        **dict.fromkeys(("ca.key", "db.key", "client.key"), 0o600),
        **dict.fromkeys(("ca.crt", "db.crt", "client.crt"), 0o644),
    }


def server_context(tls: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls / "db.crt", tls / "db.key")
    context.load_verify_locations(tls / "ca.crt")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", ["127.0.0.1", "::1", "localhost", "db-primary.nexus-architect.svc.cluster.local"])
def test_both_sides_verify_strictly(tls: Path, stack: Stack, name: str) -> None:
    issue(tls, stack)
    ours = ssl.create_default_context(cafile=tls / "ca.crt")
    ours.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    ours.load_cert_chain(tls / "client.crt", tls / "client.key")
    left, right = socket.socketpair()
    seen: list[object] = []

    def serve() -> None:
        with server_context(tls).wrap_socket(right, server_side=True) as served:
            seen.append(served.getpeercert())

    thread = threading.Thread(target=serve)
    thread.start()
    with ours.wrap_socket(left, server_hostname=name) as secure:
        assert secure.version() in ("TLSv1.3", "TLSv1.2")
    thread.join()
    assert seen


@pytest.mark.parametrize("purpose", ["sslserver", "sslclient"])
def test_openssl_verifies_it_strictly_for_both_purposes(tls: Path, stack: Stack, purpose: str) -> None:
    issue(tls, stack)
    command = ["openssl", "verify", "-x509_strict", "-purpose", purpose, "-CAfile", str(tls / "ca.crt")]
    try:
        done = subprocess.run([*command, str(tls / "db.crt")], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        pytest.skip("no openssl program here")
    assert done.returncode == 0, done.stderr


def test_importing_the_module_does_not_import_cryptography() -> None:
    assert "cryptography" not in imported_by("import nexusdev.instance.certificates")
