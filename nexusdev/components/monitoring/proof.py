"""The proof after ``up``: the certificates behind the URLs are signed by the CA of this instance."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from nexusdev.components.contract import Proof
from nexusdev.components.https_connection import get
from nexusdev.components.monitoring.quick_proof import PUBLISHED
from nexusdev.errors import Degraded, IdentityMismatch
from nexusdev.interfaces import Address, InstanceAccess

_OK = 200
_TITLES = {"PROMETHEUS_URL": "Prometheus", "ALERTMANAGER_URL": "Alertmanager", "GRAFANA_URL": "Grafana"}


def prove(access: InstanceAccess, values: Mapping[str, str]) -> Sequence[Proof]:
    """Ask each published page once. A valid certificate proves the instance, because its own CA signed it.

    Raises:
        IdentityMismatch: Another CA signed the certificate.
        Degraded: A page does not answer.
    """
    return tuple(
        _proof(access, variable, values[variable], _TITLES[variable], path)
        for variable, path in PUBLISHED.items()
        if variable in values
    )


def _proof(access: InstanceAccess, variable: str, url: str, title: str, path: str) -> Proof:
    began = time.monotonic()
    host, _, port = urlsplit(url).netloc.rpartition(":")
    try:
        answer = get(Address(host=host, port=int(port)), path, access=access)
    except ssl.SSLCertVerificationError as error:
        raise IdentityMismatch(
            f"{url} is not this instance's {title}", why=f"invalid certificate: {error.verify_message}"
        ) from error
    except OSError as error:
        raise Degraded(f"{title} does not answer at {url}", why=str(error), hint="nexusdev status") from error
    if answer.status != _OK:
        raise Degraded(
            f"{title} at {url} does not answer queries",
            why=answer.text[:200] or f"HTTP {answer.status}",
            hint="nexusdev status",
        )
    return Proof(path=f"{variable} {host}:{port}", seconds=time.monotonic() - began)
