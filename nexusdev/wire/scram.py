"""SCRAM-SHA-256 (RFC 5802, RFC 7677), both ends of it: the login of a client, and the verifier that PostgreSQL keeps.

Verifiers are made and compared here, so that no password travels or reaches a log:

SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>      https://www.postgresql.org/docs/17/catalog-pg-authid.html

Passwords are ASCII, so that no normalisation is needed.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from base64 import b64decode, b64encode

_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")
ITERATIONS = 4096


class ScramLogin:
    """One login: ``first`` begins it, ``answer`` replies to the challenge, ``is_confirmed`` checks that the server knows the password."""

    def __init__(self, password: str) -> None:
        self._password = password
        self._bare = b"n=,r=" + b64encode(os.urandom(18))
        self._expected = b""

    @property
    def first(self) -> bytes:
        return b"n,," + self._bare

    def answer(self, challenge: bytes) -> bytes:
        """The proof that we know the password, for this challenge."""
        said = dict(part.split(b"=", 1) for part in challenge.split(b","))
        ours, theirs = _keys(self._password, b64decode(said[b"s"]), int(said[b"i"]))
        bare = b"c=biws,r=" + said[b"r"]
        signed = b",".join((self._bare, challenge, bare))
        signature = hmac.digest(hashlib.sha256(ours).digest(), signed, "sha256")
        proof = bytes(key ^ mask for key, mask in zip(ours, signature, strict=True))
        self._expected = b"v=" + b64encode(hmac.digest(theirs, signed, "sha256"))
        return bare + b",p=" + b64encode(proof)

    def is_confirmed(self, final: bytes) -> bool:
        """Whether the server's last word proves that it knows the password too."""
        return bool(self._expected) and hmac.compare_digest(final, self._expected)


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What goes into ``pg_authid.rolpassword``."""
    salt = os.urandom(16) if salt is None else salt
    client, server = _keys(password, salt, iterations)
    encoded = [b64encode(part).decode() for part in (salt, hashlib.sha256(client).digest(), server)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def matches(kept: str | None, password: str) -> bool:
    """Whether a verifier was made from this password."""
    found = _VERIFIER.fullmatch(kept or "")
    if not found:
        return False
    return verifier(password, salt=b64decode(found[2]), iterations=int(found[1])) == kept


def _keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """The client's key and the server's."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    return hmac.digest(salted, b"Client Key", "sha256"), hmac.digest(salted, b"Server Key", "sha256")
