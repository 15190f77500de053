"""config: each setting and where it came from."""

from __future__ import annotations

from nexusdev.operations.config import show
from tests.fakes import House


def test_config_shows_every_setting_with_its_origin(house: House) -> None:
    context = house.context(parallel=2, origins={"parallel": "nexusdev.toml:1"})
    found = {each.key: each for each in show(context).settings}
    assert (found["parallel"].value, found["parallel"].origin) == (2, "nexusdev.toml:1")
    assert found["runtime"].origin == "default"
    assert found["instance"].value == "shop"
