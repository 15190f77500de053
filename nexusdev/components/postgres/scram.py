"""SCRAM-SHA-256 verifiers as PostgreSQL keeps them: made and compared here, so that no password travels or reaches a log.

SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>      https://www.postgresql.org/docs/17/catalog-pg-authid.html
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re

_VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")
ITERATIONS = 4096


def verifier(password: str, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What goes into ``pg_authid.rolpassword``. Passwords are ASCII, so that no normalisation is needed."""
    salt = os.urandom(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    served = hmac.digest(salted, b"Server Key", "sha256")
    encoded = [base64.b64encode(part).decode() for part in (salt, stored, served)]
    return f"SCRAM-SHA-256${iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def matches(kept: str | None, password: str) -> bool:
    """Whether a verifier was made from this password."""
    found = _VERIFIER.fullmatch(kept or "")
    if not found:
        return False
    return verifier(password, salt=base64.b64decode(found[2]), iterations=int(found[1])) == kept
