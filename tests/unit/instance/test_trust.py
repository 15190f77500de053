"""The bundle has what the machine trusts and the instance's CA, follows changes of both, and says what it lacks."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

from nexusdev.instance import trust
from nexusdev.util.client_file_names import BUNDLE, CA, TRUST_STORE
from tests.fakes import PUBLIC_AUTHORITY
from tests.unit.env.servers import authority


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine that trusts one public authority."""
    store = tmp_path / "machine" / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    store.parent.mkdir(parents=True)
    store.write_text(f"# its name\n{PUBLIC_AUTHORITY}{PUBLIC_AUTHORITY}")
    return tmp_path / "machine"


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return authority(tmp_path / "tls") / "ca.crt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "client"


def subjects(bundle: Path) -> list[str]:
    """The common names in a bundle, as OpenSSL reads it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=bundle)
    return sorted(
        dict(part[0] for part in each["subject"])["commonName"]  # type: ignore[misc]
        for each in context.get_ca_certs()
    )


def blocks(bundle: Path) -> int:
    return bundle.read_text().count("BEGIN CERTIFICATE")


@pytest.mark.parametrize("store", trust.SYSTEM_STORES)
def test_the_bundle_has_the_system_authorities_and_the_instance_ca(
    tmp_path: Path, ca: Path, folder: Path, store: str
) -> None:
    file = tmp_path / "other" / store
    file.parent.mkdir(parents=True)
    file.write_text(PUBLIC_AUTHORITY)
    assert trust.renew(folder, ca, environ={}, root=tmp_path / "other") == ""
    for view in trust.VIEWS:
        assert subjects(folder / view / BUNDLE) == ["a public authority", "nexusdev shop-1"]
        assert (folder / view / CA).read_bytes() == ca.read_bytes()


def test_a_certificate_is_in_the_bundle_once(machine: Path, ca: Path, folder: Path) -> None:
    trust.renew(folder, ca, environ={}, root=machine)
    assert blocks(folder / "host" / BUNDLE) == 2


@pytest.mark.parametrize("name", trust.NAMING)
def test_authorities_of_shell_variables_stay_trusted(
    machine: Path, ca: Path, folder: Path, tmp_path: Path, name: str
) -> None:
    company = authority(tmp_path / "company") / "ca.crt"
    shutil.copy(company, tmp_path / "company.pem")
    environ = {name: str(tmp_path / "company.pem")}
    trust.renew(folder, ca, environ={}, root=machine)
    assert not trust.is_current(folder, ca, environ=environ, root=machine)
    trust.renew(folder, ca, environ=environ, root=machine)
    assert blocks(folder / "host" / BUNDLE) == 3
    assert trust.is_current(folder, ca, environ={}, root=machine)
    (tmp_path / "company.pem").unlink()
    assert not trust.is_current(folder, ca, environ={}, root=machine)
    trust.renew(folder, ca, environ={}, root=machine)
    assert blocks(folder / "host" / BUNDLE) == 2


def test_bundles_of_instances_are_not_added_again(machine: Path, ca: Path, folder: Path, tmp_path: Path) -> None:
    trust.renew(folder, ca, environ={}, root=machine)
    environ = {"SSL_CERT_FILE": str(folder / "host" / BUNDLE), "AWS_CA_BUNDLE": str(ca)}
    assert trust.is_current(folder, ca, environ=environ, root=machine)
    other = tmp_path / "other"
    trust.renew(other, authority(tmp_path / "tls-2") / "ca.crt", environ=environ, root=machine)
    assert blocks(other / "host" / BUNDLE) == 2


def test_it_is_renewed_only_when_a_source_changes(machine: Path, ca: Path, folder: Path) -> None:
    bundle = folder / "host" / BUNDLE
    trust.renew(folder, ca, environ={}, root=machine)
    inode = bundle.stat().st_ino
    trust.renew(folder, ca, environ={}, root=machine)
    assert bundle.stat().st_ino == inode
    (machine / trust.SYSTEM_STORES[0]).write_bytes(authority(machine / "new").joinpath("ca.crt").read_bytes())
    assert not trust.is_current(folder, ca, environ={}, root=machine)
    trust.renew(folder, ca, environ={}, root=machine)
    assert "a public authority" not in subjects(bundle)
    ca.write_text(PUBLIC_AUTHORITY)
    assert not trust.is_current(folder, ca, environ={}, root=machine)
    trust.renew(folder, ca, environ={}, root=machine)
    assert "a public authority" in subjects(bundle)


@pytest.mark.parametrize("name", [CA, BUNDLE, TRUST_STORE])
def test_a_deleted_file_is_written_again(machine: Path, ca: Path, folder: Path, name: str) -> None:
    trust.renew(folder, ca, environ={}, root=machine)
    (folder / "container" / name).unlink()
    assert not trust.is_current(folder, ca, environ={}, root=machine)
    trust.renew(folder, ca, environ={}, root=machine)
    assert (folder / "container" / name).exists()


def test_a_machine_without_authorities_gets_a_warning_until_it_has_some(machine: Path, ca: Path, folder: Path) -> None:
    store = machine / trust.SYSTEM_STORES[0]
    store.rename(store.with_suffix(".away"))
    for _ in range(2):
        told = trust.renew(folder, ca, environ={}, root=machine)
        assert told.startswith("this machine has no file of trusted authorities (/etc/ssl/certs/ca-certificates.crt, ")
    assert subjects(folder / "host" / BUNDLE) == ["nexusdev shop-1"]
    store.with_suffix(".away").rename(store)
    assert trust.renew(folder, ca, environ={}, root=machine) == ""
    assert len(subjects(folder / "host" / BUNDLE)) == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nothing", "contains no certificate"),
        (b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n", "failed to read"),
    ],
)
def test_an_unreadable_store_is_named(machine: Path, ca: Path, folder: Path, content: bytes, words: str) -> None:
    (machine / trust.SYSTEM_STORES[0]).write_bytes(content)
    told = trust.renew(folder, ca, environ={}, root=machine)
    assert words in told
    assert str(machine / trust.SYSTEM_STORES[0]) in told


@pytest.mark.skipif(shutil.which("keytool") is None, reason="keytool is not installed here")
def test_java_trusts_every_certificate(machine: Path, ca: Path, folder: Path) -> None:
    trust.renew(folder, ca, environ={}, root=machine)
    store = ["-keystore", str(folder / "host" / TRUST_STORE), "-storepass", trust.TRUST_STORE_PASSWORD]
    listed = subprocess.run(["keytool", "-list", *store], capture_output=True, text=True, check=True).stdout
    assert listed.count("trustedCertEntry") == 2
    assert "nexusdev, " in listed
