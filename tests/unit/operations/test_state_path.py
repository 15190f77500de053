"""A state folder that no env file can name is refused before anything is made in it."""

from __future__ import annotations

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.operations.doctor import examine
from nexusdev.operations.dry_run import dry_run
from nexusdev.operations.up import up
from tests.fakes import House


@pytest.mark.parametrize("name", ["Jörg Müller", "a'b", "100%", "a\nb"])
def test_an_unrepresentable_state_folder_is_refused_first(house: House, name: str) -> None:
    (house.folder / name).mkdir()
    strange = House(folder=house.folder / name)
    for act in (up, dry_run):
        if name == "100%":  # a percent sign is read alike by everybody
            act(strange.context())
            continue
        with pytest.raises(InvalidConfig) as caught:
            act(strange.context())
        assert caught.value.code == "STATE_PATH"
        assert "NEXUSDEV_STATE_DIR=" in caught.value.hint
        assert not strange.engine.containers
        assert not (strange.folder / "state" / "instances").exists()


def test_doctor_reports_the_state_folder_before_the_first_up(house: House) -> None:
    (house.folder / "sp ace").mkdir()
    strange = House(folder=house.folder / "sp ace")
    (check,) = [each for each in examine(strange.context()) if each.name == "state"]
    assert check.verdict == "failed"
    assert check.fix == "export NEXUSDEV_STATE_DIR=/path/without/spaces"
