"""Broken files of a component stop ``up`` before anything starts; good ones are looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from nexusdev.components.capabilities import ImageCheck
from nexusdev.deploy import last_up
from nexusdev.errors import InvalidConfig, NexusError
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.up import up
from nexusdev.runtimes.image_store import Say
from nexusdev.runtimes.memory.images import MemoryBuildContainer
from nexusdev.stack.model import Service
from tests.fakes import FakeComponent, House
from tests.unit.deploy.test_selection import FLAG, WATCHED


@dataclass(kw_only=True)
class FakeReader(FakeComponent):
    """Monitoring with one rule file that says ``good``, or else how it is bad."""

    file: Path
    image: str = ""
    read: list[str] = field(default_factory=list)

    def files(self, services: Sequence[Service]) -> Sequence[Path]:
        return [self.file] if services else []

    def check(self, services: Sequence[Service]) -> None:
        self.read.append(self.file.read_text())
        if "broken" in self.file.read_text():
            raise InvalidConfig(f"{self.file}:1: is broken")

    def image_checks(self, services: Sequence[Service]) -> Sequence[ImageCheck]:
        def interpret_output(code: int, lines: Sequence[str]) -> NexusError | None:
            return InvalidConfig(f"{self.file}:2: {lines[0]}") if code else None

        return [
            ImageCheck(image=self.image, files={"r.yml": self.file}, script="try r.yml", interpret=interpret_output)
        ]


@dataclass(kw_only=True)
class Program:
    """What tries the file in a workshop."""

    tried: list[bytes] = field(default_factory=list)

    def __call__(self, container: MemoryBuildContainer, script: str, say: Say) -> int:
        if script != "try r.yml":
            return 0  # what arrives is looked at before
        self.tried.append(container.files["/tmp/r.yml"])
        say("parse error")
        return int(b"wrong" in self.tried[-1])


@pytest.fixture
def reader(tmp_path: Path) -> FakeReader:
    file = tmp_path / "r.yml"
    file.write_text("good")
    return FakeReader(name="monitoring", file=file)


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
def house(tmp_path: Path, reader: FakeReader, program: Program) -> House:
    made = House(folder=tmp_path, more=(reader,))
    (tmp_path / "compose" / "stack.yaml").write_text(WATCHED)
    made.store.on_run = program
    reader.image = made.reference("redis")
    return made


def workshops(house: House) -> tuple[list[str], list[str]]:
    """The build containers that tried a file, as they were opened and closed."""
    opened, closed = (
        [name for name in names if "-check-shop-" in name] for names in (house.store.opened, house.store.closed)
    )
    return opened, closed


def test_a_valid_file_is_checked_once(house: House, reader: FakeReader, program: Program) -> None:
    up(house.context())
    up(house.context())
    assert (reader.read, program.tried) == (["good"], [b"good"])
    assert workshops(house) == (["nexusdev-check-shop-0"], ["nexusdev-check-shop-0"])


def test_a_changed_file_is_checked_again(house: House, reader: FakeReader, program: Program) -> None:
    up(house.context())
    reader.file.write_text("good too")
    house.engine.kill(house.container("prometheus"))
    up(house.context())
    assert program.tried == [b"good", b"good too"]


def test_an_unreadable_file_stops_up_before_anything_starts(house: House, reader: FakeReader) -> None:
    reader.file.write_text("broken")
    with pytest.raises(InvalidConfig, match=r"r\.yml:1"):
        up(house.context())
    with pytest.raises(InvalidConfig, match=r"r\.yml:1"):
        dry_run(house.context())
    assert not house.engine.done
    assert workshops(house) == ([], [])


def test_a_file_refused_by_its_program_stops_up_before_anything_starts(
    house: House, reader: FakeReader, program: Program
) -> None:
    reader.file.write_text("wrong")
    for _ in range(2):
        with pytest.raises(InvalidConfig, match=r"r\.yml:2: parse error"):
            up(house.context())
    assert len(program.tried) == 2, "what was refused is not remembered as good"
    assert not house.engine.done
    assert workshops(house)[0] == workshops(house)[1] * 2


def test_a_file_is_checked_once_the_image_of_its_program_is_available(
    house: House, reader: FakeReader, program: Program
) -> None:
    house.lose_image("redis")
    reader.file.write_text("wrong")
    with pytest.raises(InvalidConfig, match=r"r\.yml:2: parse error"):
        up(house.context())
    made = {cell.service for cell in house.engine.containers.values()}
    assert made <= {"gateway-rw"}, "nothing is made from that image"
    reader.file.write_text("good")
    house.lose_image("redis")
    up(house.context())
    assert program.tried == [b"wrong", b"good"]


def test_unselected_components_are_not_checked(house: House, reader: FakeReader) -> None:
    reader.file.write_text("broken")
    up(house.context(**FLAG))
    assert reader.read == []


def test_a_check_is_shared_between_instances(house: House, program: Program) -> None:
    up(house.context())
    house.name = "shop-2"
    up(house.context())
    assert len(program.tried) == 1


def test_a_lost_record_repeats_the_check(house: House, program: Program) -> None:
    up(house.context())
    last_up.write_checked(house.context().root, "")
    house.engine.kill(house.container("prometheus"))
    up(house.context())
    assert len(program.tried) == 2
