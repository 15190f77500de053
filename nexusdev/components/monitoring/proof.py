"""Is PROMETHEUS_URL this instance's Prometheus? Its certificate is the mark: the CA that signed it exists for this instance only."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from nexusdev.components.contract import Proof
from nexusdev.components.https import get
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.ports import Address, Site

_OK = 200


def prove(site: Site, values: Mapping[str, str]) -> Sequence[Proof]:
    """Run one query."""
    began, url = time.monotonic(), values["PROMETHEUS_URL"]
    host, _, port = urlsplit(url).netloc.rpartition(":")
    try:
        answer = get(Address(host=host, port=int(port)), "/api/v1/query?query=up", site=site)
    except ssl.SSLCertVerificationError as error:
        raise IdentityMismatch(
            f"{url} is not this instance's Prometheus", why=f"its certificate: {error.verify_message}"
        ) from error
    except OSError as error:
        raise Degraded(f"Prometheus does not answer at {url}", why=str(error), hint="nexusdev status") from error
    if answer.status != _OK:
        raise Degraded(
            f"Prometheus at {url} answers no query",
            why=answer.text[:200] or f"HTTP {answer.status}",
            hint="nexusdev status",
        )
    return (Proof(path=f"PROMETHEUS_URL {host}:{port}", seconds=time.monotonic() - began),)
