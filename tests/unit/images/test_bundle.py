"""Bundles: one archive, out of one store and into another."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable, InvalidConfig, NotFound
from nexusdev.images import bundle
from nexusdev.runtimes.memory.images import MemoryImages
from tests.unit.images.workbench import make_images, registry


@pytest.mark.parametrize("name", ["nexus.tar", "nexus.tar.gz"])
def test_a_bundle_is_enough_for_another_machine(tmp_path: Path, name: str) -> None:
    here = make_images(tmp_path, registry())
    here.ensure()
    saved = bundle.save(here, tmp_path / name)
    there = make_images(tmp_path, MemoryImages())
    loaded = bundle.load(there, tmp_path / name)
    assert [each.name for each in loaded.images] == [each.name for each in saved.images] == ["cache", "store"]
    assert [each.source for each in there.ensure(offline=True)] == ["store", "store"]
    assert there.store.find("nexusdev/cache:local") is not None
    assert bundle.outdated(there, loaded.images) == {}


def test_the_first_member_of_a_bundle_lists_its_content(tmp_path: Path) -> None:
    images = make_images(tmp_path, registry())
    images.ensure()
    bundle.save(images, tmp_path / "nexus.tar", ["cache"])
    with tarfile.open(tmp_path / "nexus.tar") as archive:
        first = archive.next()
        assert first is not None
        assert first.name == "nexusdev.json"
        content = archive.extractfile(first)
        assert content is not None
        assert [each["version"] for each in json.loads(content.read())["images"]] == ["8"]


def test_saving_a_missing_image_fails_and_leaves_no_partial_file(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable, match="image cache 8 is not in the image store"):
        bundle.save(make_images(tmp_path, registry()), tmp_path / "nexus.tar")
    assert [each.name for each in tmp_path.iterdir() if "nexus" in each.name] == []


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.tar"
    with tarfile.open(file, "w") as archive:
        archive.add(__file__, arcname="manifest.json")
    with pytest.raises(InvalidConfig, match="is not an archive of nexusdev images"):
        bundle.load(make_images(tmp_path, MemoryImages()), file)
    with pytest.raises(NotFound):
        bundle.load(make_images(tmp_path, MemoryImages()), tmp_path / "absent.tar")


def test_a_bundle_of_an_older_release_is_recognized(tmp_path: Path) -> None:
    old = make_images(tmp_path / "old", registry())
    old.ensure()
    saved = bundle.save(old, tmp_path / "old.tar")
    new = make_images(tmp_path / "new", MemoryImages())
    (tmp_path / "new/compose/cache/Dockerfile").write_text("ARG BASE=nexusdev/base:local\nFROM ${BASE}\nRUN more\n")
    assert set(bundle.outdated(new, saved.images)) == {"cache"}
