"""Whether containers can read the secrets: tried once per runtime and state folder, and named by ``up`` and ``doctor``."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.check import Check
from nexusdev.errors import NexusError, PreflightFailed, RuntimeSlow, StorageFailed
from nexusdev.interfaces import ReadBack
from nexusdev.operations.doctor import examine
from nexusdev.operations.down import down
from nexusdev.operations.up import up
from nexusdev.runtimes.memory.provider import FACTS
from tests.fakes import House

DENIED = ReadBack(user="1000:1000", problem="cat: the file: Permission denied", hint="chcon …   with SELinux")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path)


def check(house: House, name: str) -> Check | None:
    return next((each for each in examine(house.context()) if each.name == name), None)


def test_unreadable_secrets_end_up_before_its_first_step(house: House) -> None:
    house.engine.reads = DENIED
    with pytest.raises(PreflightFailed) as caught:
        up(house.context())
    error = caught.value
    assert (error.code, error.hint) == ("SECRETS_UNREADABLE", DENIED.hint)
    assert "runs as 1000:1000 got: cat: the file: Permission denied" in error.why
    assert house.engine.done == []


def test_the_check_repeats_until_it_succeeds_once(house: House) -> None:
    house.engine.reads = DENIED
    with pytest.raises(PreflightFailed):
        up(house.context())
    house.engine.reads = ReadBack(user="1000:1000")
    up(house.context())
    assert len(house.engine.read_back) == 2
    down(house.context())
    up(house.context())
    assert len(house.engine.read_back) == 2


def test_each_engine_is_checked(house: House) -> None:
    up(house.context())
    down(house.context())
    house.provider.engine_facts = replace(FACTS, identity="another")
    house.engine.reads = DENIED
    with pytest.raises(PreflightFailed):
        up(house.context())


def test_an_image_without_a_shell_leaves_the_check_to_the_next_image(house: House) -> None:
    house.engine.reads = None
    up(house.context())
    assert len(house.engine.read_back) == 2
    assert not (house.folder / "state" / "read-back.json").exists()


def test_a_broken_record_is_rewritten(house: House) -> None:
    (house.folder / "state" / "read-back.json").write_text("{")
    up(house.context())
    down(house.context())
    up(house.context())
    assert len(house.engine.read_back) == 1


@pytest.mark.parametrize(("limit", "verdict"), [(1024, "warning"), (4096, "ok"), (1_048_576, "ok")])
def test_doctor_reports_the_open_files_limit(house: House, limit: int, verdict: str) -> None:
    up(house.context())
    house.engine.reads = ReadBack(user="1000:1000", open_files=limit)
    found = check(house, "open files")
    assert found is not None
    assert (found.verdict, str(limit) in found.evidence) == (verdict, True)
    assert ("default-ulimits" in found.fix) is (verdict == "warning")


def test_doctor_reports_unreadable_secrets(house: House) -> None:
    up(house.context())
    house.engine.reads = DENIED
    found = check(house, "secrets")
    assert found is not None
    assert (found.verdict, found.fix) == ("failed", "chcon …")


@pytest.mark.parametrize(
    "error",
    [
        StorageFailed("failed to write .read-back: read-only file system", hint="ls -ld /state   be able to write"),
        RuntimeSlow("the engine is too slow", why="it is busy", hint="docker stats   see what is busy"),
    ],
    ids=["disk", "engine"],
)
def test_doctor_continues_if_reading_back_is_impossible(house: House, error: NexusError) -> None:
    up(house.context())
    house.engine.reads = error
    checks = {each.name: each for each in examine(house.context())}
    assert checks["secrets"].verdict == "failed"
    assert checks["secrets"].evidence == ": ".join(filter(None, (error.message, error.why)))
    assert checks["secrets"].fix == error.hint.partition("   ")[0]
    assert {"volumes", "containers"} <= checks.keys()


def test_doctor_skips_the_check_without_a_suitable_image(house: House) -> None:
    up(house.context())
    house.engine.reads = None
    assert check(house, "secrets") is None
    assert check(house, "open files") is None
