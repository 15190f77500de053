"""Whether what is in the store is what the lock says: every case is a row."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.images.lockfile import Build, LockedImage, Registry
from nexusdev.images.verify import verify_image
from nexusdev.runtimes.image_store import StoredImage

PINNED = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
BUILT = LockedImage(name="cache", version="8", sources=(Build(folder=Path("/cache")),))
PUBLISHED = LockedImage(name="cache", version="8", sources=(Registry(reference="x/y:8", digest=PINNED),))
OPTIONAL = LockedImage(name="cache", version="8", sources=PUBLISHED.sources, optional=True)
UNPINNED = LockedImage(name="cache", version="8", sources=(Registry(reference="x/y:8", why="a test"),))


def stored(*, label: str = "", digest: str = "") -> StoredImage:
    return StoredImage(
        id="sha256:1", labels={"dev.nexus.image": label} if label else {}, digests=(digest,) if digest else ()
    )


@pytest.mark.parametrize(
    ("image", "found", "wrong"),
    [
        (BUILT, None, "not in the image store"),
        (BUILT, stored(label="cache:8-1"), ""),
        (BUILT, stored(label="cache:8-0"), "its label names cache:8-0"),
        (BUILT, stored(), "neither built from this lockfile nor pulled by one of its digests"),
        (PUBLISHED, stored(digest=PINNED), ""),
        (PUBLISHED, stored(digest=OTHER), "neither built from this lockfile nor pulled by one of its digests"),
        (OPTIONAL, None, ""),
        (OPTIONAL, stored(digest=OTHER), "neither built from this lockfile nor pulled by one of its digests"),
        (UNPINNED, stored(digest=OTHER), ""),
        (UNPINNED, stored(), "its origin is unknown"),
    ],
)
def test_label_or_digest_must_match_the_lock(image: LockedImage, found: StoredImage | None, wrong: str) -> None:
    assert verify_image(image, "nexusdev/cache:8-1", found).wrong == wrong
