"""The scenarios of the real components: each can be carried out with the stack and the loads that exist."""

from __future__ import annotations

import pytest

from nexusdev.components import registry
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.drills import ClientGoal, HasLoad, Scenario, Victim
from nexusdev.drills.catalogue import chosen, component_of, products, scenarios, victims
from nexusdev.errors import NotFound, UsageError
from nexusdev.faults import Fault
from nexusdev.status.probes import StatusRow
from tests.topology import topology

COMPONENTS = {name: ComponentSet()[name] for name in registry.ROWS}
SCENARIOS = scenarios(COMPONENTS.values())


def row(service: str, role: str, component: str = "postgres") -> StatusRow:
    return StatusRow(component=component, service=service, role=role, state="running", detail="", ok=True)


ROWS = (
    row("postgresql-0", "replica"),
    row("postgresql-1", "primary"),
    row("postgresql-2", "replica"),
    *(row(f"etcd-{number}", "leader" if number == 1 else "follower") for number in range(3)),
)


def hit(wanted: Victim, target: str = "") -> tuple[str, ...]:
    return victims(wanted, ROWS, topology(), component="postgres", target=target)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_client_of_a_scenario_exists(name: str) -> None:
    for client in SCENARIOS[name].clients:
        component, _, kind = client.partition(".")
        found = COMPONENTS[component]
        assert isinstance(found, HasLoad)
        assert kind in {each.name for each in found.load().kinds}


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_group_of_a_scenario_has_enough_servers(name: str) -> None:
    scenario = SCENARIOS[name]
    component = component_of(scenario, COMPONENTS.values())
    if scenario.victim.group:
        assert len(topology().members(component, scenario.victim.group)) >= scenario.victim.count


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_is_not_promised_says_why(name: str) -> None:
    for goal in SCENARIOS[name].clients.values():
        assert goal.lost == 0 or goal.why
        assert (goal.write_gap, goal.read_gap) != (None, None) or goal.why


def test_names_are_unique() -> None:
    assert len(SCENARIOS) == sum(len(scenarios([each])) for each in COMPONENTS.values()) > 25


def test_a_promised_history_needs_a_register() -> None:
    for scenario in SCENARIOS.values():
        for client, goal in scenario.clients.items():
            component, _, kind = client.partition(".")
            found = COMPONENTS[component]
            assert isinstance(found, HasLoad)
            (load,) = [each for each in found.load().kinds if each.name == kind]
            assert load.register or not goal.linearizable, (scenario.name, client)


def test_the_primary_is_found_by_its_role() -> None:
    assert hit(Victim(role="primary")) == ("postgresql-1",)


def test_a_role_within_a_group() -> None:
    assert hit(Victim(group="etcd", role="leader")) == ("etcd-1",)


def test_several_servers_of_a_group() -> None:
    assert hit(Victim(group="etcd", count=2)) == ("etcd-1", "etcd-2")


def test_the_named_server_comes_first() -> None:
    assert hit(Victim(group="etcd", count=2), "etcd-0") == ("etcd-0", "etcd-1")


def test_a_server_with_another_role_is_refused() -> None:
    with pytest.raises(UsageError, match="does not hit postgresql-0"):
        hit(Victim(role="primary"), "postgresql-0")


def test_no_server_fits_now() -> None:
    with pytest.raises(NotFound, match="0 of 1"):
        hit(Victim(role="master"))


def test_a_mistyped_name_gets_the_nearest() -> None:
    with pytest.raises(UsageError) as raised:
        chosen("etcd-quorum-kil", SCENARIOS)
    assert "etcd-quorum-kill" in raised.value.why


def test_the_loads_of_the_named_clients() -> None:
    assert [*products(COMPONENTS, ["postgres.pool", "redis.direct", "postgres.direct"])] == ["postgres", "redis"]


def test_a_scenario_of_nobody_belongs_to_nobody() -> None:
    strange = Scenario(
        name="x", hypothesis="", fault=Fault.KILL, victim=Victim(), clients={"postgres.direct": ClientGoal()}
    )
    assert component_of(strange, COMPONENTS.values()) == ""
