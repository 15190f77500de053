from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.cli.output import Table
from nexusdev.inventory import Inventory
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.ls import ls
from nexusdev.operations.up import up
from nexusdev.runtimes.memory.provider import MemoryProvider
from tests.fakes import House, shown


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path)


class WithCaches(MemoryProvider):
    """A world with the cache of image builds."""

    def inventory(self, *, caches: bool = False) -> Inventory:
        return replace(
            super().inventory(),
            images_in_use=frozenset({"used"}),
            build_caches=("nexusdev-go-cache",) if caches else (),
        )


@pytest.fixture
def orphaned(house: House) -> House:
    """A stopped instance whose project folder was deleted."""
    up(house.context())
    stop(house.context())
    shutil.rmtree(house.project)
    house.provider = WithCaches(engine=house.engine)
    return house


def shown_project(house: House) -> str:
    """What ls says of the project folder."""
    (table,) = shown(ls(house.context())).output
    assert isinstance(table, Table)
    return str(table.rows[0][-1])
