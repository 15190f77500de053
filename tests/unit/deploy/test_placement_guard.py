"""A failed ``up`` gives ports and placement back, unless a step has begun."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from nexusdev.deploy.placement_guard import guarded_placement
from nexusdev.env import stored
from nexusdev.instance.state import Record, read_record, write_compose_env, write_record
from nexusdev.plan import Step

RECORD = Record(name="shop", owner="/shop", slot=3, net="10.3.0", nonce="n", uid=1, gid=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    write_record(folder, RECORD)
    write_compose_env(folder, {"NEXUS_PORTS": "213"})
    (folder / stored.FILE).write_text("{}")
    return folder


def step(**members: Any) -> Step:
    return Step(action="create", resource="redis-0", reason="it does not exist", **members)


NETWORK, CONTAINER = step(), step(images=("redis:1",))


def moved(folder: Path, net: str = "10.3.0") -> None:
    write_record(folder, replace(RECORD, slot=4, net=net))
    write_compose_env(folder, {"NEXUS_PORTS": "214"})


def interrupted(folder: Path, net: str = "10.3.0", steps: tuple[Step, ...] = ()) -> None:
    """A command that moves ports or placement, begins these steps, and fails."""
    with guarded_placement(folder, lambda _: None) as guard:
        moved(folder, net)
        for each in steps:
            guard.begin(each)
        raise ZeroDivisionError


def test_a_failure_before_any_step_restores_record_and_variables(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(folder, "10.4.0")
    assert read_record(folder) == RECORD
    assert (folder / "compose.env").read_text() == "NEXUS_PORTS=213\n"
    assert (folder / stored.FILE).exists()


def test_steps_that_publish_nothing_do_not_use_new_ports(folder: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(folder, steps=(NETWORK,))
    assert read_record(folder) == RECORD
    assert (folder / stored.FILE).exists()


@pytest.mark.parametrize(("net", "first"), [("10.3.0", CONTAINER), ("10.4.0", NETWORK), ("10.4.0", CONTAINER)])
def test_a_failure_after_a_step_keeps_the_placement_of_the_step(folder: Path, net: str, first: Step) -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(folder, net, (first, NETWORK))
    assert read_record(folder) == replace(RECORD, slot=4, net=net)
    assert (folder / "compose.env").read_text() == "NEXUS_PORTS=214\n"
    assert not (folder / stored.FILE).exists(), "its ports are wrong now"


def test_steps_without_another_placement_keep_the_stored_variables(folder: Path) -> None:
    with guarded_placement(folder, lambda _: None) as guard:
        guard.begin(CONTAINER)
    assert (folder / stored.FILE).exists()


def test_a_failed_new_instance_keeps_its_placement(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    with pytest.raises(ZeroDivisionError):
        interrupted(tmp_path / "shop")
    assert read_record(tmp_path / "shop") == replace(RECORD, slot=4)


def test_a_claim_lasts_until_the_end_of_the_block(tmp_path: Path) -> None:
    claims: dict[int, io.BytesIO] = {}

    def claim(slot: int) -> io.BytesIO | None:
        return None if slot == 1 else claims.setdefault(slot, io.BytesIO())

    with guarded_placement(tmp_path / "shop", claim) as guard:
        assert [guard.claim(slot) for slot in (0, 1, 2)] == [True, False, True]
        assert not any(each.closed for each in claims.values())
    assert [each.closed for each in claims.values()] == [True, True]
