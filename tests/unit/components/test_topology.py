"""Components take their servers from the compose files: names that stay in the code match them, and one server more is followed."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusdev.components.component_set import ComponentSet
from nexusdev.components.minio import names as minio
from nexusdev.components.redis import names as redis
from nexusdev.context import stack_file
from nexusdev.errors import InvalidConfig
from nexusdev.interfaces import Address, InstanceAccess, View
from nexusdev.plan import Observation
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack
from nexusdev.stack.topology import Topology
from tests import topology as repository
from tests.access import instance_access, published_by
from tests.addresses import SeenFromContainers
from tests.unit.compose.test_members import groups

ALL = ComponentSet()


class Nothing(SeenFromContainers):
    """A runtime in which nothing exists."""

    def observe(self) -> Observation:
        return Observation()


class Secrets:
    """A store in which every secret of the stack has a value."""

    def __init__(self, stack: Stack) -> None:
        self._names = stack.secrets.keys()

    def read(self, name: str) -> str:
        assert name in self._names, f"no file of compose/ has a secret {name}"
        return f"{name}-value"


def access_to(stack: Stack) -> InstanceAccess:
    """An instance of this stack, in which each address is published and no server answers."""
    runtime: Any = Nothing()
    secrets: Any = Secrets(stack)
    return instance_access(
        Path("/nowhere"),
        # nothing listens on port 1; the ports of the files may belong to a running instance
        addresses=dict.fromkeys(published_by(stack), Address(host="127.0.0.1", port=1)),
        secrets=secrets,
        runtime=runtime,
        topology=Topology(services=stack.services),
    )


@pytest.fixture(scope="module")
def stack() -> Stack:
    return repository.stack()


@pytest.fixture(scope="module")
def access(stack: Stack) -> InstanceAccess:
    return access_to(stack)


def test_the_registry_and_the_files_have_the_same_components(stack: Stack) -> None:
    assert set(ALL) == set(stack.components), (
        "add the component to ROWS of nexusdev/components/registry.py, and its file to include in compose/stack.yaml"
    )


def test_group_members_are_ordered_and_a_missing_group_is_an_error(stack: Stack) -> None:
    topology = Topology(services=dict(reversed([*stack.services.items()])))
    assert topology.members("redis", "sentinel", role="server") == tuple(f"sentinel-{n}" for n in range(3))
    assert topology.service_of("redis-master") == "gateway-rw"
    assert topology.service_of("nobody") == ""
    with pytest.raises(InvalidConfig, match="no group keydb of component redis"):
        topology.members("redis", "keydb")


@pytest.mark.parametrize("name", ALL)
def test_components_use_only_declared_addresses_and_secrets(access: InstanceAccess, name: str) -> None:
    """Tests of one component check the same of everything that they ask for (``tests.access``)."""
    component = ALL[name]
    facts = component.probe(access, test_writes=True)
    assert not component.assess(facts).ready
    component.credentials(access)
    for view in View:
        component.variables(access, view)
        component.client_files(access, view)
    linked = {(link.role, link.port) for link in component.links if link.role}
    assert linked - access.addresses.keys() == set()


def test_every_role_name_is_an_alias_of_a_proxy(stack: Stack, access: InstanceAccess) -> None:
    roles = [role.name for component in ALL.values() for role in component.gateway_roles]
    assert {stack.services[access.topology.service_of(name)].component for name in roles} == {"gateway"}


def test_every_declared_group_exists_in_the_compose_files(access: InstanceAccess) -> None:
    for name, component in ALL.items():
        declared = component.scrape_targets
        client = component.client([])
        through = {group for groups in declared.through.values() for group in groups}
        groups = {*through, *declared.roles.values(), *declared.unscraped}
        for group in groups | ({client.group} if client else set()):
            assert access.topology.members(name, group)


def test_a_component_requires_components_of_the_stack(stack: Stack) -> None:
    assert {needed for component in ALL.values() for needed in component.requires} <= set(stack.components)


def last_members() -> Mapping[str, Mapping[str, str]]:
    """Component → the last member of each of its groups that has several → the name of one more."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for names in groups().values():
        stem, _, number = names[-1].rpartition("-")
        found[repository.stack().services[names[-1]].component][names[-1]] = f"{stem}-{int(number) + 1}"
    return found


GROWN = last_members()


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> InstanceAccess:
    """The access to a stack with one more member in each group, from compose files in which nothing else is changed."""
    folder = tmp_path_factory.mktemp("grown") / "compose"
    shutil.copytree(stack_file().parent, folder, ignore=shutil.ignore_patterns("image"))
    taken = iter(range(100, 150))
    for component, added in GROWN.items():
        file = folder / component / "compose.yaml"
        document = yaml.safe_load(file.read_text())
        services = document["services"]
        for model, name in added.items():
            services[name] = _one_more(services[model], services[f"{model[:-1]}0"], model, name, taken)
            document["volumes"] |= {each.replace(model, name): None for each in document["volumes"] if model in each}
        if component == "redis":
            relay = services["sentinel-relay"]
            relay["environment"]["RELAY_ROUTES"] += " 26383=sentinel-3:26379"
            relay["ports"].append(f"127.0.0.1:21{next(taken)}:26383")
        file.write_text(yaml.safe_dump(document))
    return access_to(load(folder / "stack.yaml", {"NEXUS_STATE": "/nowhere"}))


def _one_more(
    service: Mapping[str, Any], first: Mapping[str, Any], model: str, name: str, taken: Iterator[int]
) -> dict[str, Any]:
    """A service like the model, with its own name, volumes, address and host ports, as an editor of the file would write it.

    What the model has in common with the first member of its group, such as the list of all members, stays as it is.
    """
    more = dict(service)
    for key in ("hostname", "volumes", "environment", "command"):
        if key in more and more[key] != first[key]:
            more[key] = _renamed(more[key], first[key], model, name)
    more["x-nexusdev"] = {**more["x-nexusdev"], "ordinal": more["x-nexusdev"]["ordinal"] + 1}
    if "ports" in more:
        more["ports"] = [f"127.0.0.1:21{next(taken)}:{each.rpartition(':')[2]}" for each in more["ports"]]
        more["networks"] = {"nexus": {"ipv4_address": f"${{NEXUS_NET:-10.213.0}}.{next(taken)}"}}
    return more


def _renamed(value: Any, first: Any, model: str, name: str) -> Any:
    """The value with the new name where it differs from that of the first member."""
    if isinstance(value, dict):
        return {key: _renamed(each, first[key], model, name) for key, each in value.items()}
    if isinstance(value, list):
        return [_renamed(each, other, model, name) for each, other in zip(value, first, strict=True)]
    return value.replace(model, name) if value != first else value


@pytest.mark.parametrize("component", GROWN)
def test_an_added_server_is_probed_awaited_and_shown(grown: InstanceAccess, component: str) -> None:
    facts = ALL[component].probe(grown)
    rows = {row.service for row in ALL[component].statuses(facts)}
    # sentinels are asked once a Redis server answers
    assert set(GROWN[component].values()) - {"sentinel-3"} <= rows
    assert not ALL[component].assess(facts).ready


def test_readiness_expects_an_added_server(grown: InstanceAccess) -> None:
    assert ALL["postgres"].assess(ALL["postgres"].probe(grown)).missing == "etcd has no quorum: 0 of 4 members answer"
    assert minio.write_quorum(grown) == 3
    assert len(redis.servers(grown)) == len(redis.sentinels(grown)) == len(redis.relay_ports(grown)) == 4


@pytest.mark.parametrize("view", View)
def test_an_added_sentinel_is_in_the_variables_and_the_quick_proof(grown: InstanceAccess, view: View) -> None:
    values = {each.name: each.value for each in ALL["redis"].variables(grown, view)}
    assert len(values["REDIS_SENTINELS"].split(",")) == 4
    sentinels = [each.path for each in ALL["redis"].endpoints(values) if each.path.startswith("REDIS_SENTINELS")]
    assert sentinels == [f"REDIS_SENTINELS {place}" for place in values["REDIS_SENTINELS"].split(",")]
