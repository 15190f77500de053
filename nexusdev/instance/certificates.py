"""The CA of one instance and its certificates: one per group of services, and one for nexusdev itself.

The CA exists for this instance only and its subject contains the instance's nonce: a client that verifies a server against it knows
which instance answers. ECDSA P-256 throughout; CA 10 years, servers 825 days. They are issued again when less than 30 days are left, when
they are not valid yet, when the names change, or when key and certificate do not match (after a killed ``up``).
The extensions are those that strict verifiers require (RFC 5280; ``VERIFY_X509_STRICT`` is the default from Python 3.13 on).
"""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import time
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from nexusdev.errors import InvalidState
from nexusdev.stack.model import Service, Stack
from nexusdev.util.files import finish_write, make_folder, remove_temp_files, replace, write_in_place

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

DOMAIN = "nexus-architect.svc.cluster.local"
CLIENT = "client"
_LOCAL = ("localhost", "127.0.0.1", "::1")
_CA_LIFE = timedelta(days=3650)
_LEAF_LIFE = timedelta(days=825)
_RENEW = timedelta(days=30)
_BACK = timedelta(hours=1)
_INDEX = ".issued.json"


class Signer(Struct, frozen=True, kw_only=True):
    """The CA with its key."""

    certificate: x509.Certificate
    key: EllipticCurvePrivateKey


def wanted_names(stack: Stack, hosts: Collection[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Return group → the names that its certificate must contain.

    These are the names of each service that mounts it and of services in the same network namespace, aliases, extra names, and the hosts
    under which this machine reaches servers.
    """
    groups: dict[str, dict[str, None]] = {}
    for secret in stack.secrets.values():
        group = secret.recipe.certificate
        if group and group != "ca":
            names = groups.setdefault(group, {})
            names.update(dict.fromkeys(secret.recipe.names))
            for service in _mounting(stack, secret.name):
                names.update(dict.fromkeys((service.name, *service.aliases)))
    return {group: _complete(tuple(names), hosts) for group, names in groups.items()}


def prepare(
    folder: Path,
    stack: Stack,
    *,
    instance: str,
    nonce: str,
    uid: int,
    gid: int,
    hosts: Collection[str] = (),
    before_issuing: Callable[[], None] = lambda: None,
) -> tuple[str, ...]:
    """Create the missing or outdated certificates below ``folder`` (``<state>/tls``).

    Fast if nothing has to be done: an index stores the hashes of the issued files, and cryptography is not imported.

    Args:
        folder: The folder of the certificates.
        stack: The stack, which declares the certificates.
        instance: Name of the instance.
        nonce: Nonce of the instance.
        uid: Owner of the keys that containers mount.
        gid: Group of the keys that containers mount.
        hosts: Names and addresses besides loopback under which this machine reaches servers.
        before_issuing: Called before certificates are issued; raises to prevent that, because a wrong clock makes them invalid.

    Returns:
        The groups of the issued certificates, including 'ca'.
    """
    make_folder(folder)
    remove_temp_files(folder)
    wanted = {**wanted_names(stack, hosts), CLIENT: ("nexusdev",)}
    for name in ("ca", *wanted):
        finish_write(folder / f"{name}.key")
        finish_write(folder / f"{name}.crt")
    index = _read_index(folder)
    if not _is_current(folder, "ca", index, ()):
        index = {}
    stale = [group for group, names in wanted.items() if not _is_current(folder, group, index, names)]
    if not stale and index:
        return ()
    before_issuing()
    return _issue(folder, wanted, stale, index, instance=instance, nonce=nonce, owner=(uid, gid))


def _issue(
    folder: Path,
    wanted: Mapping[str, tuple[str, ...]],
    stale: list[str],
    index: dict[str, Any],
    *,
    instance: str,
    nonce: str,
    owner: tuple[int, int],
) -> tuple[str, ...]:
    made = []
    signer = _load_signer(folder) if index else None
    if signer is None:
        signer = _make_signer(folder, f"nexusdev {instance}", nonce)
        index["ca"] = _entry(folder, "ca", (), signer.certificate)
        made.append("ca")
    for group in stale:
        certificate = _make_leaf(folder, group, wanted[group], signer, None if group == CLIENT else owner)
        index[group] = _entry(folder, group, wanted[group], certificate)
        made.append(group)
    replace(folder / _INDEX, json.dumps(index, indent=1))
    return tuple(made)


def _mounting(stack: Stack, secret: str) -> list[Service]:
    """Return the services that mount a secret, and those whose network namespace they share."""
    mounting = [
        service
        for service in stack.services.values()
        if any(file.kind == "secret" and file.name == secret for file in service.files)
    ]
    return [*mounting, *(stack.services[each.shares] for each in mounting if each.shares)]


def _complete(names: tuple[str, ...], hosts: Collection[str]) -> tuple[str, ...]:
    """Add the names of this machine, and the cluster's form of each short name."""
    qualified = (f"{name}.{DOMAIN}" for name in names if "." not in name)
    return tuple(dict.fromkeys((*names, *qualified, *_LOCAL, *sorted(hosts))))


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}


def _entry(folder: Path, group: str, names: tuple[str, ...], certificate: x509.Certificate) -> dict[str, Any]:
    return {
        "names": list(names),
        "until": certificate.not_valid_after_utc.timestamp(),
        "sha256": _digest(folder, group),
    }


def _is_current(folder: Path, group: str, index: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    """Return whether a certificate was issued here with these names, is unchanged, and is valid now and for another 30 days."""
    entry = index.get(group)
    return (
        isinstance(entry, dict)
        and entry.get("names") == list(names)
        and _is_valid(group, entry.get("until", 0))
        and entry.get("sha256") == _digest(folder, group)
    )


def _is_valid(group: str, until: float) -> bool:
    """Return whether a certificate is valid now and for another 30 days. One that begins later was issued with a fast clock."""
    life = _CA_LIFE if group == "ca" else _LEAF_LIFE
    begins = until - (life + _BACK).total_seconds()
    return begins <= time.time() < until - _RENEW.total_seconds()


def _digest(folder: Path, group: str) -> str:
    """Return one hash of certificate and key; '' if one of them is missing."""
    try:
        content = [(folder / f"{group}{suffix}").read_bytes() for suffix in (".crt", ".key")]
    except FileNotFoundError:
        return ""
    return hashlib.sha256(b"\0".join(content)).hexdigest()


def _load_signer(folder: Path) -> Signer:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key((folder / "ca.key").read_bytes(), None)
    if not isinstance(key, EllipticCurvePrivateKey):
        raise InvalidState(
            f"{folder / 'ca.key'} is not a key written by nexusdev", hint="nexusdev destroy, then nexusdev up"
        )
    return Signer(certificate=x509.load_pem_x509_certificate((folder / "ca.crt").read_bytes()), key=key)


def _make_signer(folder: Path, name: str, nonce: str) -> Signer:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "nexusdev"),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, nonce),
        ]
    )
    usage = _usage(x509, key_cert_sign=True, crl_sign=True)
    certificate = (
        _builder(subject, subject, key.public_key(), key.public_key(), _CA_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, _sha256())
    )
    _write_pair(folder, "ca", key, certificate, None)
    return Signer(certificate=certificate, key=key)


def _make_leaf(
    folder: Path, group: str, names: tuple[str, ...], signer: Signer, owner: tuple[int, int] | None
) -> x509.Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    common_name = "nexusdev" if group == CLIENT else group
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        _builder(subject, signer.certificate.subject, key.public_key(), signer.key.public_key(), _LEAF_LIFE)
        .add_extension(x509.SubjectAlternativeName([_general_name(x509, name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(x509, digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .sign(signer.key, _sha256())
    )
    _write_pair(folder, group, key, certificate, owner)
    return certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Any, authority: Any, life: timedelta
) -> x509.CertificateBuilder:
    """Return a builder with the common parts of all certificates: names, serial, validity, and the key identifiers that strict verifiers need."""
    from cryptography import x509

    now = datetime.now(UTC).replace(microsecond=0)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    )


def _usage(x509: Any, **allowed: bool) -> Any:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in every.split()})


def _general_name(x509: Any, name: str) -> Any:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _sha256() -> Any:
    from cryptography.hazmat.primitives.hashes import SHA256

    return SHA256()


def _write_pair(
    folder: Path, name: str, key: EllipticCurvePrivateKey, certificate: x509.Certificate, owner: tuple[int, int] | None
) -> None:
    """Write key (0600) and certificate in place, because containers may have mounted them. The CA's key belongs to the user who runs nexusdev."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def set_owner(file: Path) -> None:
        file.chmod(0o600 if file.suffix == ".key" else 0o644)
        if owner and os.getuid() == 0:
            os.chown(file, *owner)

    write_in_place(folder / f"{name}.key", pem, set_owner=set_owner)
    write_in_place(folder / f"{name}.crt", certificate.public_bytes(Encoding.PEM), set_owner=set_owner)
