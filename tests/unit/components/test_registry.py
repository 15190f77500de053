"""The registry knows every component and imports none of them before it is asked for; so do the import contracts."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nexusdev.components import registry
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.registry import COMMANDS, client_help, published_endpoints
from nexusdev.interfaces import Address, InstanceAccess, View
from tests.access import instance_access
from tests.addresses import SeenFromContainers
from tests.imports import imported_by

ALL = ComponentSet()


def test_each_name_resolves_to_its_component() -> None:
    assert {name: component.name for name, component in ALL.items()} == {name: name for name in ALL}
    assert all(component.title for component in ALL.values())


def test_every_component_folder_is_registered() -> None:
    folders = {file.parent.name for file in Path(registry.__file__).parent.glob("*/component.py")}
    assert folders == set(ALL), "add the component to ROWS of nexusdev/components/registry.py"


def test_an_unknown_name_is_not_registered() -> None:
    assert "mysql" not in ALL
    with pytest.raises(KeyError):
        ALL["mysql"]


def test_names_import_nothing_and_components_no_client_library() -> None:
    names = imported_by("from nexusdev.components.component_set import ComponentSet; list(ComponentSet())")
    assert not [name for name in names if name.startswith("nexusdev.components.minio")]
    found = imported_by("from nexusdev.components.component_set import ComponentSet; list(ComponentSet().values())")
    assert not found & {"minio", "hvac", "psycopg", "redis", "docker", "cryptography", "rich", "typer"}


class Servers(SeenFromContainers):
    def observe(self) -> SimpleNamespace:
        return SimpleNamespace(services=dict.fromkeys(["grafana"]))


def anywhere() -> InstanceAccess:
    """An instance access where every address is published and every secret is known."""
    addresses: dict[tuple[str, int], Address] = defaultdict(lambda: Address(host="127.0.0.1", port=21000))
    servers: Any = Servers()
    secrets: Any = SimpleNamespace(read=lambda _name: "s3cret")
    folder = Path("/home/dev/.local/state")
    return instance_access(
        folder,
        nonce="n0nce",
        addresses=addresses,
        secrets=secrets,
        runtime=servers,
    )


@pytest.mark.parametrize("name", ALL)
def test_every_component_with_variables_is_proven(name: str) -> None:
    values = {each.name: each.value for each in ALL[name].variables(anywhere(), View.HOST)}
    paths = [each.path for each in ALL[name].endpoints(values)]
    assert bool(paths) == bool(values)
    assert {path.partition(" ")[0] for path in paths} <= values.keys()
    assert [each.path for each in published_endpoints([name], values)] == paths


def test_quick_proofs_import_only_the_wire_protocols() -> None:
    found = imported_by(
        "from nexusdev.components.registry import ROWS, published_endpoints; list(published_endpoints(ROWS, {}))"
    )
    own = {name for name in found if name.startswith("nexusdev.components.") and name.count(".") > 2}
    assert own == {f"nexusdev.components.{name}.quick_proof" for name in ALL}
    assert not found & {"msgspec", "dataclasses", "nexusdev.components.contract"}


def test_an_unregistered_component_is_not_skipped_silently() -> None:
    with pytest.raises(LookupError, match="toy"):
        list(published_endpoints(["redis", "toy"], {}))


def test_every_client_has_a_command_with_help() -> None:
    assert {name for name, each in ALL.items() if each.client([])} == set(COMMANDS.values())
    assert all(client_help(component).count("nexusdev " + command) > 1 for command, component in COMMANDS.items())


@pytest.mark.parametrize("name", ALL)
def test_the_container_view_has_no_host_only_values(name: str) -> None:
    for variable in ALL[name].variables(anywhere(), View.CONTAINER):
        if "_PUBLIC_" not in variable.name:
            assert "127.0.0.1" not in variable.value, variable.name
        assert "/home/" not in variable.value, variable.name


def test_companion_variables_belong_to_a_variable_of_their_component() -> None:
    files = Path(registry.__file__).parent.glob("*/companions.py")
    published = {name: {each.name for each in ALL[name].variables(anywhere(), View.HOST)} for name in ALL}
    owners = {of: name for name, variables in published.items() for of in registry.companions() if of in variables}
    assert {each.parent.name for each in files} == set(owners.values())
    assert owners.keys() == registry.companions().keys()
    assert all(
        not {*names} & {*variables} for names in registry.companions().values() for variables in published.values()
    )
