"""Commands that look in another state folder than the one of the instance: sudo, cron, a service, XDG_STATE_HOME."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from nexusdev.cli.output import Table
from nexusdev.context import Context
from nexusdev.doctor.instance_checks import examine
from nexusdev.errors import InvalidState, NexusError, NotFound
from nexusdev.inventory import Inventory
from nexusdev.operations import destroy as destruction
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.env import env
from nexusdev.operations.lifecycle import start
from nexusdev.operations.ls import ls
from nexusdev.operations.status import status
from nexusdev.operations.up import up
from nexusdev.runtimes.memory.provider import MemoryProvider
from tests.fakes import House, shown


def elsewhere(house: House) -> Context:
    """A run that looks in another folder."""
    return replace(house.context(), root=house.folder / "elsewhere")


COMMANDS: dict[str, Callable[[Context], object]] = {
    "up": up,
    "up --dry-run": dry_run,
    "status": status,
    "env": lambda context: env(context, proof=False),
    "start": start,
}


@pytest.mark.parametrize("command", [*COMMANDS])
@pytest.mark.parametrize("left", ["containers", "volumes"])
def test_every_command_names_the_state_folder_and_changes_nothing(house: House, command: str, left: str) -> None:
    up(house.context())
    if left == "volumes":
        house.engine.containers.clear()
    with pytest.raises(InvalidState) as raised:
        COMMANDS[command](elsewhere(house))
    assert raised.value.code == "STATE_ELSEWHERE"
    assert raised.value.message.endswith(str(house.context().root / "instances" / "shop"))
    assert raised.value.hint.startswith(f"NEXUSDEV_STATE_DIR={house.context().root} nexusdev ")
    assert not (house.folder / "elsewhere" / "instances").exists()
    assert shown(up(house.context())).data["changed"] is (left == "volumes")


def test_doctor_and_ls_agree(house: House) -> None:
    up(house.context())
    (check,) = (each for each in examine(elsewhere(house)) if each.name == "state")
    assert (check.verdict, "destroy" in check.fix) == ("failed", False)
    (table,) = shown(ls(elsewhere(house))).output
    assert isinstance(table, Table)
    assert str(table.rows[0][-1]).endswith(f"(its state is in {house.context().root}/instances/shop)")


def test_destroy_warns_first_that_the_state_is_elsewhere(house: House) -> None:
    up(house.context())
    asked = destruction.question(elsewhere(house))
    assert asked is not None
    assert f"its state in {house.context().root}/instances/shop" in asked
    kept = f"secrets and settings in {house.context().root}/instances/shop are kept"
    assert str(shown(destruction.destroy(elsewhere(house))).output[0]).endswith(f"2 volumes; {kept}")
    assert (house.context().root / "instances" / "shop" / "instance.json").exists()


def test_a_removed_state_is_reported_as_lost_with_its_path(house: House) -> None:
    up(house.context())
    shutil.rmtree(house.context().root / "instances" / "shop")
    with pytest.raises(InvalidState) as raised:
        up(elsewhere(house))
    assert raised.value.code == "STATE_LOST"
    assert f"{house.context().root}/instances/shop, which does not exist" in raised.value.why
    assert raised.value.hint.startswith("restore ")


def test_without_an_engine_only_known_facts_are_reported(house: House) -> None:
    class Absent(MemoryProvider):
        def inventory(self, *, caches: bool = False) -> Inventory:
            from nexusdev.errors import PreflightFailed

            raise PreflightFailed("the engine does not answer")

    house.provider = Absent()
    with pytest.raises(NotFound) as raised:
        status(elsewhere(house))
    assert "never" not in raised.value.why
    assert str(house.folder / "elsewhere") in raised.value.why


def test_containers_without_the_label_are_unchanged(house: House) -> None:
    up(house.context())
    for cell in house.engine.containers.values():
        cell.state_path = ""
    for store in house.engine.volumes.values():
        store.state_path = ""
    assert shown(up(house.context())).data["changed"] is False
    with pytest.raises(NexusError) as raised:
        up(elsewhere(house))
    assert raised.value.code == "STATE_LOST"
    assert "do not name another state folder" in raised.value.why
    assert "as the user who started the instance" in raised.value.hint.splitlines()[0]
