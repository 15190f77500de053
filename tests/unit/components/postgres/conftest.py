"""An instance access without a network: secrets in a dict, addresses as published."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.postgres import names
from nexusdev.interfaces import Address, InstanceAccess
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.topology import topology


@dataclass
class Secrets:
    """The secret store as a dict."""

    values: dict[str, str] = field(default_factory=dict)

    def read(self, name: str) -> str:
        return self.values[name]

    def write(self, name: str, value: str) -> None:
        self.values[name] = value


@pytest.fixture
def access() -> InstanceAccess:
    values = {secret: f"{secret}Password" for secret in (*names.PASSWORDS.values(), names.REST_PASSWORD)}
    runtime: Any = SeenFromContainers()
    published = {
        (names.PRIMARY, names.SQL): 21032,
        (names.REPLICA, names.SQL): 21033,
        (names.POOL, names.POOLED): 21034,
        **{
            (node, names.REST): 21043 + number
            for number, node in enumerate(topology().members("postgres", "postgresql"))
        },
        **{(store, names.ETCD): 21046 + number for number, store in enumerate(topology().members("postgres", "etcd"))},
    }
    return instance_access(
        Path("/state/tls"),
        addresses={key: Address(host="127.0.0.1", port=port) for key, port in published.items()},
        secrets=Secrets({name: value.replace("-", "") for name, value in values.items()}),
        runtime=runtime,
        client_folder=Path("/state/client/host"),
    )
