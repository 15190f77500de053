"""Images in a registry: their names there, what is sent, and the digest by which they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import ImageUnavailable, NotFound
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.memory.images import MemoryImages
from nexusdev.runtimes.published_images import PublishedImages, name_in

REGISTRY = "registry.example.com:5000/team"
TAG = "nexusdev/redis:8.0-1a2b"


@pytest.fixture
def store() -> MemoryImages:
    return MemoryImages(images={"i": StoredImage(id="i", tags=(TAG,))})


def silent(_: str) -> None:
    """Say nothing."""


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        (TAG, f"{REGISTRY}/nexusdev/redis:8.0-1a2b"),
        ("redis", f"{REGISTRY}/redis:latest"),
        ("docker.io/library/redis:8", f"{REGISTRY}/library/redis:8"),
        ("localhost/own:1", f"{REGISTRY}/own:1"),
        ("other:5000/a/b@sha256:0123456789abcdef", f"{REGISTRY}/a/b:0123456789ab"),
    ],
)
def test_an_image_keeps_its_name_behind_that_of_the_registry(reference: str, name: str) -> None:
    assert name_in(REGISTRY, reference) == name


def test_without_a_registry_names_stay() -> None:
    assert name_in("", TAG) == TAG


def test_an_image_is_sent_once_and_used_by_its_digest(store: MemoryImages, tmp_path: Path) -> None:
    published = PublishedImages(root=tmp_path)
    first = published.publish(lambda: store, TAG, REGISTRY, silent)
    again = published.publish(lambda: store, TAG, REGISTRY, silent)
    assert (first.sent, again.sent) == (True, False)
    assert store.pushed == [first.target]
    assert published.pinned(first.target) == f"{first.target}@{first.digest}" == again.pinned


def test_what_another_machine_has_pushed_is_not_sent_again(store: MemoryImages, tmp_path: Path) -> None:
    first = PublishedImages(root=tmp_path / "one").publish(lambda: store, TAG, REGISTRY, silent)
    second = PublishedImages(root=tmp_path / "two").publish(lambda: store, TAG, REGISTRY, silent)
    assert (second.sent, second.digest) == (False, first.digest)


def test_up_asks_no_registry_for_what_was_pushed_before(store: MemoryImages, tmp_path: Path) -> None:
    published = PublishedImages(root=tmp_path)
    published.publish(lambda: store, TAG, REGISTRY, silent)

    def closed() -> MemoryImages:
        raise AssertionError("asked")

    assert not published.publish(closed, TAG, REGISTRY, silent, ask=False).sent


def test_an_image_that_a_registry_lost_is_sent_again(store: MemoryImages, tmp_path: Path) -> None:
    published = PublishedImages(root=tmp_path)
    published.publish(lambda: store, TAG, REGISTRY, silent)
    store.published.clear()
    assert published.publish(lambda: store, TAG, REGISTRY, silent).sent


def test_an_image_that_was_not_pushed_has_no_name_with_a_digest(tmp_path: Path) -> None:
    with pytest.raises(ImageUnavailable, match="was not pushed") as raised:
        PublishedImages(root=tmp_path).pinned(name_in(REGISTRY, TAG))
    assert raised.value.code == "IMAGE_NOT_PUSHED"


def test_failures_leave_no_record(store: MemoryImages, tmp_path: Path) -> None:
    store.refusing["registry.example.com:5000"] = "unauthorized"
    published = PublishedImages(root=tmp_path)
    with pytest.raises(ImageUnavailable):
        published.publish(lambda: store, TAG, REGISTRY, silent)
    with pytest.raises(NotFound):
        published.publish(lambda: store, "nexusdev/none:1", REGISTRY, silent)
    assert published.digest(name_in(REGISTRY, TAG)) == ""
