"""The registry knows every component and imports none of them before it is asked for."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nexusdev.components.registry import ALL
from nexusdev.interfaces import Address, InstanceAccess, View
from tests.addresses import SeenFromContainers
from tests.imports import imported_by


def test_each_name_leads_to_the_component_of_that_name() -> None:
    assert {name: component.name for name, component in ALL.items()} == {name: name for name in ALL}
    assert list(ALL) == ["gateway", "postgres", "redis", "minio", "vault", "monitoring"]
    assert all(component.title for component in ALL.values())


def test_an_unknown_name_is_not_there() -> None:
    assert "mysql" not in ALL
    with pytest.raises(KeyError):
        ALL["mysql"]


def test_names_cost_no_import_and_components_no_client_library() -> None:
    names = imported_by("from nexusdev.components.registry import ALL; list(ALL)")
    assert not [name for name in names if name.startswith("nexusdev.components.minio")]
    found = imported_by("from nexusdev.components.registry import ALL; list(ALL.values())")
    assert not found & {"minio", "hvac", "psycopg", "redis", "docker", "cryptography", "rich", "typer"}


class Servers(SeenFromContainers):
    def observe(self) -> SimpleNamespace:
        return SimpleNamespace(services=dict.fromkeys(["grafana"]))


def anywhere() -> InstanceAccess:
    """A site where every address is published and every secret is known."""
    addresses: dict[tuple[str, int], Address] = defaultdict(lambda: Address(host="127.0.0.1", port=21000))
    servers: Any = Servers()
    secrets: Any = SimpleNamespace(read=lambda _name: "s3cret")
    folder = Path("/home/dev/.local/state")
    return InstanceAccess(
        instance="shop",
        nonce="n0nce",
        addresses=addresses,
        secrets=secrets,
        ca_file=folder / "ca.crt",
        client_certificate=folder / "client.crt",
        client_key=folder / "client.key",
        runtime=servers,
    )


@pytest.mark.parametrize("name", ALL)
def test_a_container_is_told_nothing_that_is_true_on_the_host_alone(name: str) -> None:
    for variable in ALL[name].variables(anywhere(), View.CONTAINER):
        if "_PUBLIC_" not in variable.name:
            assert "127.0.0.1" not in variable.value, variable.name
        assert "/home/" not in variable.value, variable.name
