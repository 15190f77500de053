"""One suite for every image door: the engine's store and the one in memory keep the same words."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable, NotFound
from nexusdev.images.lock import default_file, load
from nexusdev.images.tags import tags
from nexusdev.runtimes.image_door import Furniture, ImageDoor, Workshop
from nexusdev.runtimes.memory_images import MemoryImages
from tests.integration.conftest import engine_answers

MADE = "nexusdev/nxt-img-contract:1"
ROOT = "nexusdev/nxt-img-root:1"


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.integration)])
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ImageDoor]:
    found: ImageDoor = MemoryImages()
    if request.param == "docker":
        if not engine_answers():
            pytest.skip("no Docker engine answers")
        from nexusdev.runtimes.docker_images import image_door

        found = image_door()
    else:
        (tmp_path / "root.tar").write_bytes(_tar("etc", b""))
        found.import_root(tmp_path / "root.tar", tags(load(default_file()))["base"], ["USER 10001:10001"])
    yield found
    for reference in (MADE, ROOT):
        found.untag(reference)


@pytest.fixture
def workshop(door: ImageDoor) -> Iterator[Workshop]:
    base = tags(load(default_file()))["base"]
    if door.find(base) is None:
        pytest.skip("the base image is not there: nexusdev images build base")
    made = door.open_workshop(base, name="nxt-img-contract", furniture=Furniture())
    yield made
    made.close()


def test_what_is_put_in_can_be_taken_out(workshop: Workshop) -> None:
    workshop.put(_tar("hello", b"world"), "/usr/local/bin")
    with tarfile.open(fileobj=io.BytesIO(b"".join(workshop.get("/usr/local/bin/hello")))) as archive:
        member = archive.extractfile("hello")
        assert member is not None
        assert member.read() == b"world"


def test_a_file_that_is_not_there_cannot_be_taken_out(workshop: Workshop) -> None:
    with pytest.raises(NotFound):
        list(workshop.get("/nowhere"))


def test_what_is_committed_is_in_the_store_with_its_labels_and_user(door: ImageDoor, workshop: Workshop) -> None:
    made = workshop.commit(MADE, ["USER 10001:10001"], {"dev.nexus.image": "contract:1"})
    assert door.find(MADE) == door.find(made.id)
    assert (made.user, made.labels["dev.nexus.image"]) == ("10001:10001", "contract:1")
    assert MADE in {tag for image in door.list() for tag in image.tags}


def test_a_tag_moves_and_can_be_removed_twice(door: ImageDoor, workshop: Workshop) -> None:
    made = workshop.commit(MADE, [], {})
    door.tag(made.id, ROOT)
    assert (door.find(ROOT) or made).id == made.id
    for _ in range(2):
        door.untag(ROOT)
    assert door.find(ROOT) is None


def test_a_closed_workshop_ends_what_runs_and_can_be_closed_twice(workshop: Workshop) -> None:
    workshop.close()
    assert workshop.run("true", user="0", folder="/", environment={}, say=lambda _: None) == -1
    workshop.close()


def test_saved_and_loaded_is_the_same_image(door: ImageDoor, workshop: Workshop) -> None:
    made = workshop.commit(MADE, [], {"dev.nexus.image": "contract:1"})
    archive = list(door.save([MADE]))
    door.untag(MADE)
    assert door.find(MADE) is None
    door.load(archive)
    assert (door.find(MADE) or made).labels["dev.nexus.image"] == "contract:1"


def test_a_volume_is_made_once_and_dropped_once(door: ImageDoor) -> None:
    for _ in range(2):
        door.make_volume("nxt-img-volume", {"dev.nexus.cache": "go"})
    assert door.drop_volume("nxt-img-volume") is not None
    assert door.drop_volume("nxt-img-volume") is None


def test_what_no_registry_has_is_told(door: ImageDoor) -> None:
    with pytest.raises(ImageUnavailable) as caught:
        door.pull("registry.invalid/nothing:1", None, lambda _: None)
    assert caught.value.message == "registry.invalid/nothing:1 cannot be pulled"
    assert caught.value.why
