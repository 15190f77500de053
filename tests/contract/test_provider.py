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


def test_an_empty_instance_is_not_in_the_inventory(bench: Bench) -> None:
    assert bench.instance not in bench.provider.inventory().instances
    assert inventory(bench).objects == ()


def test_the_inventory_lists_running_instances_with_owner_and_state(bench: Bench) -> None:
    bench.ask(bench.intent())
    found = inventory(bench)
    assert (found.owners, found.state_paths) == ((OWNER,), (STATE,))
    assert (len(found.services), found.running, found.alive) == (3, 3, True)
    assert found.volumes == (bench.runtime().volume_name("store-0"),)
    assert found.ports == found.held_ports == ports(bench)


def test_the_inventory_lists_every_observed_resource(bench: Bench) -> None:
    bench.ask(bench.intent())
    assert set(inventory(bench).objects) == set(bench.observe().left())


def test_a_stopped_instance_stays_in_the_inventory(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Stop())
    found = inventory(bench)
    assert (len(found.services), found.running, found.alive) == (3, 0, False)
    assert found.ports == ports(bench)


def test_an_instance_with_only_volumes_stays_in_the_inventory(bench: Bench) -> None:
    bench.ask(bench.intent())
    bench.ask(Down(volumes=False))
    found = inventory(bench)
    assert (found.services, found.others, found.owners) == ((), (), (OWNER,))
    assert found.volumes == (bench.runtime().volume_name("store-0"),)


def test_the_inventory_names_the_other_holder_of_a_port(bench: Bench) -> None:
    [port] = ports(bench)
    holder = bench.take_port(port)
    assert holder in bench.provider.inventory().port_holders[port]


def test_volume_sizes_are_keyed_by_full_name(bench: Bench) -> None:
    bench.ask(bench.intent())
    sizes = bench.provider.volume_sizes()
    assert all(size >= 0 for size in sizes.values())
    assert {bench.runtime().volume_name("store-0")} >= {name for name in sizes if bench.instance in name}


def test_a_provider_reports_its_version_and_checks_itself(bench: Bench) -> None:
    assert bench.provider.facts().version
    checks = list(bench.provider.checks(building=lambda: False))
    assert checks
    assert all(isinstance(each, Check) and each.name and each.evidence for each in checks)


def test_a_working_runtime_passes_preflight(bench: Bench) -> None:
    bench.provider.preflight(bench.stack)


def test_a_chosen_placement_does_not_overlap_others(bench: Bench) -> None:
    first = bench.provider.placement(90, [])
    assert first == "" or bench.provider.placement(90, [first]) != first
    assert bench.provider.check_placement(bench.instance, first).verdict == "ok"


def test_delivering_an_image_twice_is_a_no_op(bench: Bench) -> None:
    reference = next(iter(bench.stack.services.values())).image
    bench.hold(reference)
    for _ in range(2):
        bench.provider.deliver(reference)
    bench.ask(bench.intent())
    assert bench.observe().services["store-0"].runs


def test_a_second_runtime_of_an_instance_sees_the_changes_of_the_first(bench: Bench) -> None:
    first, second = bench.runtime(), bench.runtime()
    for step in first.plan(bench.intent()).steps:
        first.apply(step)
    assert set(second.observe().services) == set(bench.stack.services)
