"""An image that the stack may go without: building, saving and verifying do not stumble over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable
from nexusdev.images import bundle
from nexusdev.images.images import Images
from nexusdev.operations import images as operation
from tests.fakes import House, shown
from tests.unit.images import workbench
from tests.unit.images.workbench import make_images, registry

LOCK = (
    workbench.LOCK.rstrip()
    + """
  pages:
    version: "12"
    optional: true
    sources:
      - registry: docker.io/somebody/pages:12
        digest: null
        why: a test
"""
)


@pytest.fixture
def made(tmp_path: Path) -> Images:
    return make_images(tmp_path, registry(), lock=LOCK)


@pytest.fixture
def house(tmp_path: Path, made: Images) -> House:
    (tmp_path / "house").mkdir()
    house = House(folder=tmp_path / "house")
    house.opened = made
    return house


def test_building_everything_skips_registry_only_images_with_a_note(house: House) -> None:
    outcome = operation.build(house.context())
    assert {"cache", "store"} <= {each.name for each in outcome.images}
    assert shown(outcome).output[-1] == "pages cannot be built locally: use nexusdev images pull"


def test_building_a_registry_only_image_by_name_is_refused(house: House) -> None:
    with pytest.raises(ImageUnavailable, match="pages"):
        operation.build(house.context(), ["pages"])


def test_a_bundle_omits_registry_only_images_unless_named(made: Images, tmp_path: Path) -> None:
    made.ensure(["cache", "store"])
    assert [each.name for each in bundle.save(made, tmp_path / "a.tar").images] == ["cache", "store"]
    with pytest.raises(ImageUnavailable, match="pages"):
        bundle.save(made, tmp_path / "b.tar", ["pages"])


def test_verifying_ignores_missing_registry_only_images(house: House, made: Images) -> None:
    made.ensure(["cache", "store"])
    assert operation.verify(house.context()).error is None
