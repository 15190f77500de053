"""The proof after ``up``: the application's variables lead to this instance's database, by the library that applications use."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from nexusdev.components.contract import Proof
from nexusdev.components.postgres.client import connect, words
from nexusdev.components.postgres.quick_proof import DATABASES, NONCE_AND_ROLE, PUBLISHED, leads_to_replica
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.util.parallel import together
from nexusdev.wire import postgres as wire
from nexusdev.wire import tls

Row = tuple[Any, ...]

_PATIENCE = 5
_STRANGER = ("28P01", "28000", "3D000", "42P01")


class ProofEndpoint(Struct, frozen=True, kw_only=True):
    """A published path as the variables describe it. ``replica``: what must be behind it."""

    name: str
    address: Address
    user: str
    password: str
    database: str
    replica: bool = False

    @property
    def path(self) -> str:
        return f"{self.name} {self.address}"


def proof_endpoints(values: Mapping[str, str]) -> Sequence[ProofEndpoint]:
    """The paths of the variables. Pure."""
    plain = ProofEndpoint(
        name="PGHOST",
        address=Address(host=values["PGHOST"], port=int(values["PGPORT"])),
        user=values["PGUSER"],
        password=values["PGPASSWORD"],
        database=values["PGDATABASE"],
    )
    return (plain, *(_from_url(name, values, replica=leads_to_replica(name, values)) for name in PUBLISHED))


def prove(access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
    """Read the nonce through every path at once. A read-only path must lead to a replica, the others to the primary.

    Args:
        access: The instance.
        values: The variables for applications, by name (host view).

    Raises:
        IdentityMismatch: A path leads to another instance.
        Degraded: A path does not answer, or leads to a server of the wrong role.
    """
    import psycopg  # before the threads start, so that it is imported once

    del psycopg
    ca = values["PGSSLROOTCERT"]
    questions = {endpoint.path: _question(endpoint, ca, access.nonce) for endpoint in proof_endpoints(values)}
    return tuple(together(questions).values())


def verify(endpoint: ProofEndpoint, rows: Sequence[Row], nonce: str) -> None:
    """Raise unless this is the mark of this instance at the right kind of server. Pure."""
    if not rows or rows[0][0] != nonce:
        mark = repr(rows[0][0]) if rows else "missing"
        raise IdentityMismatch(
            f"{endpoint.path} belongs to another instance", why=f"its nonce is {mark}", hint="nexusdev up"
        )
    replica = bool(rows[0][1])
    if replica != endpoint.replica:
        found, wanted = ("a replica", "the primary") if replica else ("the primary", "a replica")
        raise Degraded(f"{endpoint.path} leads to {found}", why=f"it should lead to {wanted}", hint="nexusdev status")


def _question(endpoint: ProofEndpoint, ca: str, nonce: str) -> Callable[[], Proof]:
    def ask() -> Proof:
        began = time.monotonic()
        verify(endpoint, _ask(endpoint, ca), nonce)
        return Proof(path=endpoint.path, seconds=time.monotonic() - began)

    return ask


def _ask(endpoint: ProofEndpoint, ca: str) -> Sequence[Row]:
    import psycopg

    try:
        with connect(
            host=endpoint.address.host,
            port=endpoint.address.port,
            dbname=endpoint.database,
            user=endpoint.user,
            password=endpoint.password,
            sslmode="verify-full",
            sslrootcert=ca,
            connect_timeout=_PATIENCE,
        ) as connection:
            return connection.execute(NONCE_AND_ROLE).fetchall()
    except psycopg.Error as error:
        raise _trouble(endpoint, ca) or _unserved(endpoint, words(error)) from error


def _trouble(endpoint: ProofEndpoint, ca: str) -> Degraded | IdentityMismatch | None:
    """Why the library had no answer. It has only a text for a login that fails; the protocol itself has a code, and TLS a reason."""
    try:
        with wire.connect(
            address=endpoint.address,
            database=endpoint.database,
            user=endpoint.user,
            password=endpoint.password,
            context=tls.trust(ca),
            timeout=_PATIENCE,
        ) as session:
            session.ask(NONCE_AND_ROLE)
    except wire.PostgresError as error:
        return _refusal(endpoint, error)
    except ssl.SSLCertVerificationError as error:
        why = f"invalid certificate: {error.verify_message}"
        return IdentityMismatch(f"{endpoint.path} is not this instance's PostgreSQL", why=why, hint="nexusdev up")
    except OSError as error:
        return Degraded(f"{endpoint.path} does not answer", why=str(error), hint="nexusdev status")
    return None


def _unserved(endpoint: ProofEndpoint, why: str) -> Degraded:
    return Degraded(f"{endpoint.path} does not work", why=why, hint="nexusdev status")


def _refusal(endpoint: ProofEndpoint, error: wire.PostgresError) -> Degraded | IdentityMismatch:
    """Return the error. A wrong password or a missing database means another instance, or one that was not seeded."""
    why = f"{error} ({error.sqlstate})" if error.sqlstate else str(error)
    if error.sqlstate in _STRANGER:
        hint = "nexusdev up   seeds what is missing"
        return IdentityMismatch(f"{endpoint.path} does not contain this instance's nonce", why=why, hint=hint)
    return _unserved(endpoint, why)


def _from_url(name: str, values: Mapping[str, str], *, replica: bool = False) -> ProofEndpoint:
    url = urlsplit(values[name])
    return ProofEndpoint(
        name=name,
        address=Address(host=url.hostname or "", port=url.port or 5432),
        user=url.username or "",
        password=url.password or "",
        database=DATABASES.get(name, url.path.lstrip("/")),
        replica=replica,
    )
