"""A small client for signed S3 and admin requests on the standard library; importing the minio package takes 0.2 s."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.https_connection import HttpsConnection, Response, connect
from nexusdev.interfaces import Address, InstanceAccess
from nexusdev.wire.s3 import sign


class AccessKey(Struct, frozen=True, kw_only=True):
    """An access key and its secret."""

    access_key: str
    secret_key: str


class S3Client(Struct, frozen=True, kw_only=True):
    """A client of one address with one key. Every request has its own connection; those of a ``keep_alive`` client share one."""

    access: InstanceAccess
    address: Address
    key: AccessKey
    timeout: float = 2.0
    connection: HttpsConnection | None = None

    @contextmanager
    def keep_alive(self) -> Iterator[S3Client]:
        """The same client with one connection for all requests until the end of the context."""
        with connect(self.address, access=self.access, timeout=self.timeout) as connection:
            yield replace(self, connection=connection)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one signed request.

        Args:
            method: The HTTP method.
            path: The path, not quoted yet: ``/bucket/an object``.
            query: The members of the query, not quoted yet.
            body: The content; signed as well.
            headers: More headers to send and sign.

        Returns:
            The reply, whatever its status.

        Raises:
            OSError: There is no reply.
        """
        target = quote(path, safe="/-_.~")
        canonical = canonical_query(query or {})
        signed = sign(
            method,
            target,
            canonical,
            body,
            headers={**(headers or {}), "host": str(self.address)},
            access_key=self.key.access_key,
            secret_key=self.key.secret_key,
        )
        uri = f"{target}?{canonical}" if canonical else target
        if self.connection:
            return self.connection.request(method, uri, body=body or None, headers=signed)
        with connect(self.address, access=self.access, timeout=self.timeout) as connection:
            return connection.request(method, uri, body=body or None, headers=signed)


def canonical_query(query: Mapping[str, str]) -> str:
    """The query as it is signed and sent: sorted, each member with an equals sign."""
    return urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")


def error_code(response: Response) -> str:
    """The code in an S3 error (XML) or an admin error (JSON): ``NoSuchBucket``; the status where there is none."""
    found = re.search(r'<Code>(\w+)</Code>|"Code":\s*"(\w+)"', response.text)
    return (found[1] or found[2]) if found else f"HTTP {response.status}"
