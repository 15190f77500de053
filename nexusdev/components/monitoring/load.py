"""The load of monitoring: queries of Prometheus and Alertmanager at the URLs of the env file. Nothing is written."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from http.client import HTTPSConnection
from urllib.parse import urlsplit

from msgspec import Struct

from nexusdev.components.drills import LoadClient, LoadKind

_PATIENCE = 3.0
_OK = 200
_QUERIES = {"PROMETHEUS_URL": "/api/v1/query?query=up", "ALERTMANAGER_URL": "/api/v2/alerts"}


class MonitoringLoad:
    """``components.drills.ProductLoad``."""

    kinds = (
        LoadKind(name="query", path="PROMETHEUS_URL", writes=False),
        LoadKind(name="alerts", path="ALERTMANAGER_URL", writes=False),
    )

    def prepare(self, values: Mapping[str, str], mark: str) -> None:
        """Do nothing: nothing is written."""

    def client(self, kind: str, values: Mapping[str, str], mark: str) -> LoadClient:
        del mark
        path = next(each.path for each in self.kinds if each.name == kind)
        return MonitoringLoadClient(url=values[path], query=_QUERIES[path], ca=values["NEXUSDEV_CA_FILE"])

    def remove(self, values: Mapping[str, str], mark: str) -> None:
        """Do nothing: nothing was written."""


class MonitoringLoadClient(Struct, kw_only=True):
    """``components.drills.LoadClient``."""

    url: str
    query: str
    ca: str
    connection: HTTPSConnection | None = None

    def connect(self) -> None:
        where, trust = urlsplit(self.url), ssl.create_default_context(cafile=self.ca)
        self.connection = HTTPSConnection(where.hostname or "", where.port, timeout=_PATIENCE, context=trust)
        self.connection.connect()

    def write(self, number: int) -> None:
        raise NotImplementedError("monitoring takes no writes")

    def read(self) -> int | None:
        if self.connection is None:
            raise ConnectionError("not connected")
        self.connection.request("GET", self.query)
        reply = self.connection.getresponse()
        reply.read()
        if reply.status != _OK:
            raise ConnectionError(f"HTTP {reply.status}")
        return None

    def stored(self) -> set[int]:
        return set()

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
