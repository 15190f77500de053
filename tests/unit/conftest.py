"""What holds for all unit tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

import pytest

from nexusdev.instance import port_blocks


@pytest.fixture(autouse=True)
def port_blocks_of_this_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run beside one another choose different port blocks: some really listen in theirs."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    others = {slot for slot in port_blocks.SLOTS if slot % workers != worker}
    choose = port_blocks.choose_slot

    def choose_own(used: Collection[int], busy: Callable[[int], bool]) -> int:
        return choose({*used, *others}, busy)

    monkeypatch.setattr(port_blocks, "choose_slot", choose_own)
