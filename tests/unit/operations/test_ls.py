"""ls: the instances, and what is advised for those whose folder is gone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from nexusdev.errors import PreflightFailed
from nexusdev.instance.identity import Identity
from nexusdev.inventory import Inventory
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.ls import ls
from nexusdev.operations.up import up
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.memory.provider import MemoryProvider
from tests.fakes import House, shown
from tests.unit.operations.conftest import shown_project


class Absent(MemoryProvider):
    """No engine answers."""

    def inventory(self, *, caches: bool = False) -> Inventory:
        raise PreflightFailed("the engine does not answer")


def test_ls_lists_instances_and_marks_the_current_one(house: House) -> None:
    up(house.context())
    other = house.folder / "other"
    other.mkdir()
    second = replace(house.context(), identity=Identity(name="other", project=other))
    up(second)
    stop(second)
    rows = {row["name"]: row for row in shown(ls(house.context())).data["instances"]}
    assert {name: (row["state"], row["here"]) for name, row in rows.items()} == {
        "shop": ("running (3 containers)", True),
        "other": ("stopped", False),
    }
    assert rows["shop"]["ports"] != rows["other"]["ports"]


def test_ls_without_an_engine_lists_the_state_with_a_warning(house: House) -> None:
    up(house.context())
    house.provider = Absent()
    outcome = ls(house.context())
    assert [row["name"] for row in shown(outcome).data["instances"]] == ["shop"]
    assert "running containers are unknown" in outcome.warnings[0]


def test_ls_without_instances_suggests_up(house: House) -> None:
    assert shown(ls(house.context())).output == ("no instances; create one with nexusdev up",)


@pytest.mark.parametrize(
    ("prepare", "advice"),
    [
        (lambda house: None, "nexusdev gc)"),
        (lambda house: house.engine.containers.clear(), "nexusdev gc --data)"),
        (
            lambda house: setattr(next(iter(house.engine.containers.values())), "state", State.RUNNING),
            "nexusdev -i shop down)",
        ),
    ],
)
def test_ls_suggests_only_safe_commands(orphaned: House, prepare: Callable[[House], None], advice: str) -> None:
    prepare(orphaned)
    assert f"(is gone: {advice}" in shown_project(orphaned)


def test_ls_suggests_nothing_without_an_engine(orphaned: House) -> None:
    orphaned.provider = Absent()
    words = shown_project(orphaned)
    assert "(is gone)" in words
