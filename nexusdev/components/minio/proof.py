"""The proof after ``up``: the application's own key reaches this instance's object store, by its variables alone."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from msgspec.structs import replace

from nexusdev.components.contract import Proof
from nexusdev.components.https_connection import Response
from nexusdev.components.minio.light_client import AccessKey, S3Client, error_code
from nexusdev.components.minio.names import BACKUPS, DATA, NONCE
from nexusdev.components.minio.quick_proof import TOO_WIDE
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.util.parallel import together

_TIMEOUT = 5.0  # the same as in the proof of Vault
_OK, _FORBIDDEN, _MISSING = 200, 403, 404
_STRANGER = ("InvalidAccessKeyId", "SignatureDoesNotMatch")


def prove(access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
    """Read the nonce by both forms of the variables; the bucket for backups must be refused."""
    began = time.monotonic()
    clients = {
        "MINIO_ENDPOINT": _client(
            access, values["MINIO_ENDPOINT"], values["MINIO_ACCESS_KEY"], values["MINIO_SECRET_KEY"], values
        ),
        "AWS_ENDPOINT_URL_S3": _client(
            access,
            urlsplit(values["AWS_ENDPOINT_URL_S3"]).netloc,
            values["AWS_ACCESS_KEY_ID"],
            values["AWS_SECRET_ACCESS_KEY"],
            values,
        ),
    }
    questions = {name: partial(_ask, client, f"/{DATA.name}/{NONCE}") for name, client in clients.items()}
    backups = {"backups": partial(_ask, clients["MINIO_ENDPOINT"], f"/{BACKUPS.name}", **{"list-type": "2"})}
    answers = together({**questions, **backups})
    for name, client in clients.items():
        verify(f"{name} {client.address}", answers[name], access.nonce)
    _verify_backups(answers["backups"])
    seconds = time.monotonic() - began
    return tuple(Proof(path=f"{name} {client.address}", seconds=seconds) for name, client in clients.items())


def verify(path: str, answer: Response, nonce: str) -> None:
    """Raise unless this is the mark of this instance. Pure."""
    text = answer.text
    if answer.status == _OK and text == nonce:
        return
    if answer.status == _OK:
        raise IdentityMismatch(
            f"{path} belongs to another instance", why=f"its nonce is {text[:80]!r}", hint="nexusdev up"
        )
    if answer.status in (_FORBIDDEN, _MISSING):
        stranger = error_code(answer) in _STRANGER
        why = "it does not accept the application's key" if stranger else f"it answered {error_code(answer)}"
        raise IdentityMismatch(
            f"{path} does not contain this instance's nonce", why=why, hint="nexusdev up   seeds what is missing"
        )
    raise Degraded(f"{path} does not work", why=f"it answered {error_code(answer)}", hint="nexusdev status")


def _verify_backups(answer: Response) -> None:
    """The application must not even see the backups."""
    if answer.status == _OK:
        raise Degraded(
            TOO_WIDE,
            why="its policy grants too much",
            hint="nexusdev up   sets it again",
        )


def _client(
    access: InstanceAccess, netloc: str, access_key: str, secret_key: str, values: Mapping[str, str]
) -> S3Client:
    host, _, port = netloc.rpartition(":")
    own = replace(access, ca_file=Path(values["AWS_CA_BUNDLE"]))
    return S3Client(
        access=own,
        address=Address(host=host, port=int(port)),
        key=AccessKey(access_key=access_key, secret_key=secret_key),
        timeout=_TIMEOUT,
    )


def _ask(client: S3Client, path: str, **query: str) -> Response:
    try:
        return client.request("GET", path, query=query)
    except ssl.SSLCertVerificationError as error:
        raise IdentityMismatch(
            f"{client.address} is not this instance's MinIO",
            why=f"invalid certificate: {error.verify_message}",
            hint="nexusdev up",
        ) from error
    except OSError as error:
        raise Degraded(f"MinIO does not answer at {client.address}", why=str(error), hint="nexusdev status") from error
