"""The trust files for clients: a bundle of this machine's authorities and the instance's CA, as PEM and as a Java trust store.

Variables such as SSL_CERT_FILE replace what a client trusts. So the bundle contains what the client trusted before: the system's store, and the
files that the caller's own variables name (a company's proxy, for example). A file that was named once stays in the bundle while it exists, so that
two shells with different settings do not undo each other.

Light: ``nexusdev env`` imports it. Only ``renew`` imports cryptography, and only if something changed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nexusdev.util.client_file_names import BUNDLE, CA, TRUST_STORE

TRUST_STORE_PASSWORD = "changeit"  # noqa: S105 - Java's own default; a store of public certificates has no secret

INDEX = ".trust.json"
_ISSUED = ".issued.json"
VIEWS = ("host", "container")
# Variables that replace or extend the CAs that a client trusts.
NAMING = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "NIX_SSL_CERT_FILE",
)
# Debian and Alpine, Fedora and RHEL (two names), SUSE, macOS and the BSDs, Homebrew.
SYSTEM_STORES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
    "usr/local/share/certs/ca-root-nss.crt",
    "opt/homebrew/etc/ca-certificates/cert.pem",
)

Signature = list[int]


def is_current(folder: Path, ca: Path, *, environ: Mapping[str, str], root: Path = Path("/")) -> bool:
    """Return whether the files below ``folder`` contain every required certificate.

    Args:
        folder: The instance's folder for client files.
        ca: The certificate of the instance's CA.
        environ: The caller's variables, which may name additional bundles.
        root: Where this machine's own trust store is searched.
    """
    index = _read_index(folder)
    remembered: dict[str, Signature] = index.get("sources", {})
    return (
        bool(index)
        and index.get("ca") == _signature(ca)
        and all(remembered.get(each) == _signature(Path(each)) for each in {*remembered, *_named(environ, root)})
        and all((folder / view / name).exists() for view in VIEWS for name in (CA, BUNDLE, TRUST_STORE))
    )


def renew(folder: Path, ca: Path, *, environ: Mapping[str, str], root: Path = Path("/")) -> str:
    """Write the bundle and the trust store again if a source changed.

    Args:
        folder: As for ``is_current``; it is created.
        ca: As for ``is_current``.
        environ: As for ``is_current``.
        root: As for ``is_current``.

    Returns:
        What the bundle lacks, and why; '' if it is complete.
    """
    if is_current(folder, ca, environ=environ, root=root):
        return problem(folder)
    from nexusdev.util.files import make_folder, replace

    sources = _sources(folder, environ, root)
    certificates, unreadable = _certificates(sources)
    lacking = _lacking(unreadable, has_system=_system(root) is not None)
    own = ca.read_bytes()
    files = {CA: own, BUNDLE: _pem(certificates, own), TRUST_STORE: _trust_store(certificates, own)}
    for view in VIEWS:
        target = folder / view
        make_folder(target, mode=0o755)  # readable by a container's user; the state folder above is closed
        for name, content in files.items():
            replace(target / name, content, mode=0o644)
    index = {
        "ca": _signature(ca),
        "sources": {each: _signature(Path(each)) for each in sources},
        "problem": lacking,
    }
    replace(folder / INDEX, json.dumps(index, indent=1))
    return lacking


def problem(folder: Path) -> str:
    """Return what the bundle lacked when it was written; '' if nothing."""
    return str(_read_index(folder).get("problem", ""))


def _sources(folder: Path, environ: Mapping[str, str], root: Path) -> list[str]:
    """Return the source files of the bundle, the system's first: current ones, and those of earlier calls that still exist."""
    earlier = [each for each in _read_index(folder).get("sources", {}) if Path(each).exists()]
    return list(dict.fromkeys((*_named(environ, root), *earlier)))


def _named(environ: Mapping[str, str], root: Path) -> list[str]:
    system = _system(root)
    named = [str(Path(environ[name]).absolute()) for name in NAMING if environ.get(name)]
    return [*([str(system)] if system else []), *dict.fromkeys(each for each in named if _is_foreign(Path(each)))]


def _system(root: Path) -> Path | None:
    return next((root / each for each in SYSTEM_STORES if (root / each).is_file()), None)


def _is_foreign(file: Path) -> bool:
    """Return whether a file exists that nexusdev did not write, neither for this instance nor for another one."""
    ours = (file.parent / _ISSUED, file.parent / INDEX, file.parent.parent / INDEX)
    return file.is_file() and not any(each.exists() for each in ours)


def _signature(file: Path) -> Signature:
    """Return a value that changes with the file; [] for a missing file."""
    try:
        status = os.stat(file)  # noqa: PTH116 - the fastest call: env runs it for each source
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns, status.st_ino]


def _certificates(sources: Iterable[str]) -> tuple[list[bytes], list[str]]:
    """Return the distinct certificates (DER) of all sources, and the sources that could not be read."""
    found: dict[bytes, None] = {}
    unreadable = []
    for source in sources:
        try:
            certificates = _der(Path(source).read_bytes())
        except (OSError, ValueError) as error:
            unreadable.append(f"failed to read {source}: {getattr(error, 'strerror', None) or error}")
            continue
        if not certificates:
            unreadable.append(f"{source} contains no certificate")
        found.update(dict.fromkeys(certificates))
    return list(found), unreadable


def _der(pem: bytes) -> list[bytes]:
    """Return the plain certificates of a PEM file; comments, keys and OpenSSL's TRUSTED CERTIFICATE blocks are left out."""
    import base64
    import re

    blocks = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, flags=re.DOTALL)
    return [base64.b64decode(b"".join(each.split()), validate=True) for each in blocks]


def _pem(certificates: Iterable[bytes], own: bytes) -> bytes:
    import ssl

    return own + "".join(ssl.DER_cert_to_PEM_cert(each) for each in certificates).encode()


def _lacking(unreadable: list[str], *, has_system: bool) -> str:
    if not has_system:
        stores = ", ".join(f"/{each}" for each in SYSTEM_STORES[:3])
        unreadable = [f"this machine has no file of trusted authorities ({stores}, …)", *unreadable]
    if not unreadable:
        return ""
    return f"{'; '.join(unreadable)}. Programs that use the variables do not trust these authorities"


def _trust_store(certificates: Iterable[bytes], own: bytes) -> bytes:
    """Return a PKCS#12 file in which Java finds every certificate as a trusted one."""
    import hashlib
    import warnings

    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

    entries = [pkcs12.PKCS12Certificate(x509.load_pem_x509_certificate(own), b"nexusdev")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old CAs have serial numbers that are not allowed today
        for der in certificates:
            try:
                certificate = x509.load_der_x509_certificate(der)
            except ValueError:
                continue
            entries.append(pkcs12.PKCS12Certificate(certificate, hashlib.sha256(der).hexdigest()[:16].encode()))
    return pkcs12.serialize_java_truststore(entries, BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_bytes())
    except (OSError, ValueError):
        return {}
    return index if isinstance(index, dict) else {}
