"""The registry knows every component and imports none of them before it is asked for."""

from __future__ import annotations

import pytest

from nexusdev.components.registry import ALL
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
