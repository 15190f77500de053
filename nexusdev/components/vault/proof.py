"""The proof after ``up``: the token and the AppRole of the variables both read the nonce, by the library that applications use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nexusdev.components.contract import Proof
from nexusdev.components.vault.names import INSTANCE_PATH, ROLE
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.util.parallel import together

_TIMEOUT = 5


def prove(values: Mapping[str, str], *, instance: str, nonce: str) -> Sequence[Proof]:
    """Read the nonce with the application's token, and with a login of its AppRole.

    Raises:
        IdentityMismatch: The nonce is another instance's.
        Degraded: Vault does not answer, or rejects the token or the login.
    """
    ways: dict[str, Callable[[], Proof]] = {
        "VAULT_TOKEN": lambda: _proof("VAULT_TOKEN", _by_token, values, instance, nonce),
        "VAULT_ROLE_ID": lambda: _proof("VAULT_ROLE_ID", _by_role, values, instance, nonce),
    }
    return tuple(together(ways).values())


def _proof(
    way: str, ask: Callable[[Mapping[str, str]], str], values: Mapping[str, str], instance: str, nonce: str
) -> Proof:
    began = time.monotonic()
    try:
        found = ask(values)
    except Exception as error:  # exceptions of hvac and requests: all mean an unexpected answer or none
        raise _no_answer(way, error) from error
    if found != nonce:
        raise IdentityMismatch(
            f"the Vault at {values['VAULT_ADDR']} does not belong to instance {instance}",
            why=f"its nonce is {found!r}, expected {nonce!r}",
            hint="nexusdev ports   show who uses each port",
        )
    return Proof(path=f"{ROLE} by {way}", seconds=time.monotonic() - began)


def _client(values: Mapping[str, str], token: str = "") -> Any:
    import hvac
    from requests import Session

    session = Session()
    # ignore proxy, netrc and CA bundle of the environment: the server is on this machine
    session.trust_env, session.verify = False, values["VAULT_CACERT"]
    return hvac.Client(url=values["VAULT_ADDR"], token=token, session=session, timeout=_TIMEOUT)


def _by_token(values: Mapping[str, str]) -> str:
    return _nonce(_client(values, values["VAULT_TOKEN"]))


def _by_role(values: Mapping[str, str]) -> str:
    """Log in, read, and give the token back: it would live for months."""
    client = _client(values)
    client.auth.approle.login(role_id=values["VAULT_ROLE_ID"], secret_id=values["VAULT_SECRET_ID"])
    try:
        return _nonce(client)
    finally:
        client.auth.token.revoke_self()


def _nonce(client: Any) -> str:
    found = client.secrets.kv.v2.read_secret_version(path=INSTANCE_PATH, raise_on_deleted_version=True)
    return str(found["data"]["data"]["nonce"])


def _no_answer(way: str, error: Exception) -> Degraded:
    return Degraded(
        f"{ROLE} does not accept {way}",
        why=" ".join(str(error).split()) or type(error).__name__,
        hint="nexusdev seed   issue a new token and reset the login",
    )
