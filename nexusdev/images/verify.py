"""Compares images in the store with the lock. Pure."""

from __future__ import annotations

from msgspec import Struct

from nexusdev.images.lockfile import LockedImage, Registry
from nexusdev.runtimes.image_store import IMAGE_LABEL, StoredImage


class ImageVerification(Struct, frozen=True, kw_only=True):
    """The verification of one image.

    Attributes:
        wrong: The difference as a sentence; '' if there is none.
        evidence: What was compared.
    """

    name: str
    reference: str
    wrong: str = ""
    evidence: str = ""


def verify_image(image: LockedImage, reference: str, found: StoredImage | None) -> ImageVerification:
    """Compare an image with its entry in the lockfile.

    Args:
        image: The entry.
        reference: The reference of the image in the store.
        found: The stored image; None if it is missing.
    """
    wrong, evidence = _compare(image, reference, found)
    return ImageVerification(name=image.name, reference=reference, wrong=wrong, evidence=evidence)


def _compare(image: LockedImage, reference: str, found: StoredImage | None) -> tuple[str, str]:
    if found is None:
        return ("", "missing (optional)") if image.optional else ("not in the image store", "")
    own, output = reference.rpartition("/")[2], found.labels.get(IMAGE_LABEL, "")
    if output:
        return ("" if output == own else f"its label names {output}"), f"label {output}"
    return _compare_digests(image, found.digests)


def _compare_digests(image: LockedImage, digests: tuple[str, ...]) -> tuple[str, str]:
    registries = [source for source in image.sources if isinstance(source, Registry)]
    pinned = {source.digest for source in registries if source.digest}
    if pinned & set(digests):
        return "", f"digest {', '.join(sorted(pinned & set(digests)))}"
    if pinned or not registries:
        return "neither built from this lockfile nor pulled by one of its digests", ", ".join(digests)
    return ("" if digests else "its origin is unknown"), f"digest {', '.join(digests)} (the lock pins none)"
