"""One signed S3 or admin request over the standard library: what readiness and the first look of seeding need, without importing a client (0.2 s)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import quote, urlencode

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.https import Line, Response, opened
from nexusdev.ports import Address, Site
from nexusdev.wire.s3 import sign


class Key(Struct, frozen=True, kw_only=True):
    """An access key and its secret."""

    access: str
    secret: str


class Door(Struct, frozen=True, kw_only=True):
    """The way to one address with one key. Every request has a connection of its own; those through a ``kept`` door share one."""

    site: Site
    address: Address
    key: Key
    timeout: float = 2.0
    line: Line | None = None

    @contextmanager
    def kept(self) -> Iterator[Door]:
        """The same door, with one connection for all that is asked until the end of the context."""
        with opened(self.address, site=self.site, timeout=self.timeout) as line:
            yield replace(self, line=line)

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Send one request. ``path`` is not quoted yet. Raises ``OSError`` when there is no reply."""
        target = quote(path, safe="/-_.~")
        canonical = canonical_query(query or {})
        signed = sign(
            method,
            target,
            canonical,
            body,
            headers={**(headers or {}), "host": str(self.address)},
            access=self.key.access,
            secret=self.key.secret,
        )
        uri = f"{target}?{canonical}" if canonical else target
        if self.line:
            return self.line.request(method, uri, body=body or None, headers=signed)
        with opened(self.address, site=self.site, timeout=self.timeout) as line:
            return line.request(method, uri, body=body or None, headers=signed)


def canonical_query(query: Mapping[str, str]) -> str:
    """The query as it is signed and sent: sorted, each member with an equals sign."""
    return urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")


def error_code(response: Response) -> str:
    """The code in an S3 error (XML) or an admin error (JSON): ``NoSuchBucket``; the status where there is none."""
    found = re.search(r'<Code>(\w+)</Code>|"Code":\s*"(\w+)"', response.text)
    return (found[1] or found[2]) if found else f"HTTP {response.status}"
