"""Generates root tokens from a key when one is needed, and revokes all of them afterwards.

The tokens that ``sys/init`` returns are not used: one way to get a root token is enough, and this one works after any interruption.
https://developer.hashicorp.com/vault/api-docs/system/generate-root
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from nexusdev.components.vault.client import BAD_REQUEST, OK, Api, VaultError, document
from nexusdev.components.vault.pending import PendingOperations


@contextmanager
def temporary_root(api: Api, key: str, *, pending: PendingOperations, word: str) -> Iterator[Api]:
    """Yield the server with a new root token. At the end all root tokens of the server are revoked.

    Args:
        api: The server.
        key: The key share: of the unseal key, or of the recovery key if another Vault unseals this one.
        pending: The operations that are not finished.
        word: Listed in ``pending`` meanwhile. If it is still there later, this must be called again.

    Raises:
        VaultError: The server rejects the key or a request.
    """
    pending.add(word)
    with_root = api.with_token(generate_root(api, key))
    yield with_root
    revoke_all(with_root)
    pending.remove(word)


def generate_root(api: Api, key: str) -> str:
    """Return a new root token. An unfinished attempt is cancelled first."""
    begun = api.ask("PUT", "sys/generate-root/attempt", {})
    if begun.status == BAD_REQUEST:
        api.need("DELETE", "sys/generate-root/attempt")
        begun = api.ask("PUT", "sys/generate-root/attempt", {})
    if begun.status != OK:
        raise VaultError(f"generating a root token on {api.server}", begun)
    attempt = document(begun)
    done = api.need("PUT", "sys/generate-root/update", {"key": key, "nonce": attempt["nonce"]})
    return decode(done["encoded_token"], attempt["otp"])


def decode(encoded: str, otp: str) -> str:
    """The token: base64 without padding, xored with the one-time password."""
    raw = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(left ^ right for left, right in zip(raw, otp.encode(), strict=True)).decode()


def encode(token: str, otp: str) -> str:
    """The other way round."""
    raw = bytes(left ^ right for left, right in zip(token.encode(), otp.encode(), strict=True))
    return base64.b64encode(raw).decode().rstrip("=")


def revoke_all(api: Api) -> None:
    """Revoke every token that is allowed everything: those of others first, then the one that asks."""
    own = api.need("GET", "auth/token/lookup-self")["data"]["accessor"]
    for accessor in api.need("LIST", "auth/token/accessors")["data"]["keys"]:
        if accessor != own and _is_root(api, accessor):
            api.need("POST", "auth/token/revoke-accessor", {"accessor": accessor})
    api.need("POST", "auth/token/revoke-self", {})


def _is_root(api: Api, accessor: str) -> bool:
    response = api.ask("POST", "auth/token/lookup-accessor", {"accessor": accessor})
    return response.status == OK and "root" in document(response)["data"]["policies"]
