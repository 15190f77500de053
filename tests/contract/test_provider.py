"""What every provider owes to its callers: an inventory of all instances, facts, checks, placements, and images."""

from __future__ import annotations

from nexusdev.check import Check
from nexusdev.inventory import InstanceInventory
from nexusdev.plan import Down, Stop
from tests.contract.bench import OWNER, STATE, Bench


def inventory(bench: Bench) -> InstanceInventory:
    return bench.provider.inventory().of(bench.instance)


def ports(bench: Bench) -> set[int]:
    return {port.host for each in bench.stack.services.values() for port in each.ports}


def test_an_instance_of_which_nothing_exists_is_not_in_the_inventory(bench: Bench) -> None:
    assert bench.instance not in bench.provider.inventory().instances
    assert inventory(bench).objects == ()


def test_the_inventory_has_what_runs_with_its_owner_and_its_state(bench: Bench) -> None:
    bench.ask(bench.intent())
    found = inventory(bench)
    assert (found.owners, found.state_paths) == ((OWNER,), (STATE,))
    assert (len(found.services), found.running, found.alive) == (3, 3, True)
    assert found.volumes == (bench.runtime().volume_name("store-0"),)
    assert found.ports == found.held_ports == ports(bench)


def test_the_inventory_names_all_that_an_observation_names(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert set(inventory(bench).objects) == set(bench.observe().left())


def test_what_is_stopped_stays_in_the_inventory(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Stop())
    found = inventory(bench)
    assert (len(found.services), found.running, found.alive) == (3, 0, False)
    assert found.ports == ports(bench)


def test_data_alone_stays_in_the_inventory(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Down(volumes=False))
    found = inventory(bench)
    assert (found.services, found.others, found.owners) == ((), (), (OWNER,))
    assert found.volumes == (bench.runtime().volume_name("store-0"),)


def test_the_inventory_tells_who_else_has_a_port(bench: Bench) -> None:
    [port] = ports(bench)
    holder = bench.take_port(port)
    assert holder in bench.provider.inventory().port_holders[port]


def test_sizes_of_volumes_are_told_by_their_full_names(bench: Bench) -> None:
    bench.ask(bench.intent())
    sizes = bench.provider.volume_sizes()
    assert all(size >= 0 for size in sizes.values())
    assert {bench.runtime().volume_name("store-0")} >= {name for name in sizes if bench.instance in name}


def test_a_provider_tells_its_version_and_checks_itself(bench: Bench) -> None:
    assert bench.provider.facts().version
    checks = list(bench.provider.checks(building=lambda: False))
    assert checks
    assert all(isinstance(each, Check) and each.name and each.evidence for each in checks)


def test_a_working_runtime_lets_the_stack_start(bench: Bench) -> None:
    bench.provider.preflight(bench.stack)


def test_a_placement_is_chosen_apart_from_others_or_not_needed(bench: Bench) -> None:
    first = bench.provider.placement(90, [])
    assert first == "" or bench.provider.placement(90, [first]) != first
    assert bench.provider.check_placement(bench.instance, first).verdict == "ok"


def test_an_image_that_services_are_made_from_can_be_delivered_twice(bench: Bench) -> None:
    reference = next(iter(bench.stack.services.values())).image
    bench.hold(reference)
    for _ in range(2):
        bench.provider.deliver(reference)
    bench.ask(bench.intent())
    assert bench.observe().services["store-0"].runs


def test_what_one_runtime_of_an_instance_does_another_sees(bench: Bench) -> None:
    first, second = bench.runtime(), bench.runtime()
    for step in first.plan(bench.intent()).steps:
        first.apply(step)
    assert set(second.observe().services) == set(bench.stack.services)
