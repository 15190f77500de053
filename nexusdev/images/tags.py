"""Computes image tags from the version and a hash over the build folder and its bases. Pure but for reading files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from nexusdev.errors import InvalidConfig
from nexusdev.images.lockfile import Build, Lock, LockedImage

REPOSITORY = "nexusdev"
# Incremented when a change of the builder changes the image that the same folder produces.
_BUILDER = "2"
_DIGITS = 12


def tags(lock: Lock) -> Mapping[str, str]:
    """Return name → reference in the engine's store: ``nexusdev/postgres:17-4f2a9c1d0e3b``.

    Raises:
        InvalidConfig: A Dockerfile is invalid, or there is a cycle.
    """
    hashes: dict[str, str] = {}
    return {
        name: f"{REPOSITORY}/{name}:{image.version}-{_hash(lock, image, (), hashes)}"
        for name, image in lock.images.items()
    }


def parents(lock: Lock, name: str) -> tuple[str, ...]:
    """Return the images that must exist before this one can be built."""
    image = lock.images[name]
    if not any(isinstance(source, Build) for source in image.sources) or image.folder is None:
        return ()
    from nexusdev.images.builder.dockerfile import parse

    found = parse(image.folder / "Dockerfile").parents
    for parent in found:
        if parent not in lock.images:
            raise InvalidConfig(f"{image.folder / 'Dockerfile'}: {parent} is not in {lock.file.name}")
    return found


def local_tag(name: str) -> str:
    """Return the moving tag that the compose files name by default."""
    return f"{REPOSITORY}/{name}:local"


def _hash(lock: Lock, image: LockedImage, chain: tuple[str, ...], known: dict[str, str]) -> str:
    """Return the hash of an image. Every image is read once, however many are built on it."""
    if image.name in known:
        return known[image.name]
    if image.name in chain:
        raise InvalidConfig(f"images depend on each other in a cycle: {' → '.join((*chain, image.name))}")
    digest = hashlib.sha256(f"{_BUILDER}\n{image.name}\n{image.version}\n".encode())
    for name, path in _files(image.folder):
        digest.update(f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    for parent in parents(lock, image.name):
        digest.update(_hash(lock, lock.images[parent], (*chain, image.name), known).encode())
    known[image.name] = digest.hexdigest()[:_DIGITS]
    return known[image.name]


def _files(folder: Path | None) -> list[tuple[str, Path]]:
    """Return the files of a build folder with their names below it."""
    if folder is None:
        return []
    return sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if path.is_file())
