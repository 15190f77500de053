"""Protocols for the images of an engine: ImageStore, and BuildContainer in which an image is made.

``docker/images.py`` is the real one, ``memory/images.py`` the fake beside it; one contract suite holds both to these words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

Say = Callable[[str], None]


class StoredImage(Struct, frozen=True, kw_only=True):
    """An image in the engine's store.

    id       sha256:… of its configuration
    tags     references that point at it
    digests  sha256:… under which registries know it; none for what was built or loaded
    size     bytes; user: as configured, '' is root
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    user: str = ""


class BuildMounts(Struct, frozen=True, kw_only=True):
    """What a build container has beside its image, and what never gets into the image made there.

    environment  variables of every command
    mounts       host path → path in the build container, read-only
    volumes      volume → path in the build container
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)


class BuildContainer(Protocol):
    """A running container in which an image is made; close it in the end, from whatever thread."""

    def run(self, script: str, *, user: str, folder: str, environment: Mapping[str, str], say: Say) -> int:
        """Run a /bin/sh script; every line of its output is said. Returns its exit code; -1 when the build container was closed meanwhile."""

    def put(self, archive: bytes | Iterable[bytes], folder: str) -> None:
        """Unpack a tar into a folder, which must exist."""

    def get(self, path: str) -> Iterator[bytes]:
        """A file as a tar of one member. Raises NotFound."""

    def commit(self, reference: str, changes: Sequence[str], labels: Mapping[str, str]) -> StoredImage:
        """What is there now, as one layer over the build container's image; ``changes`` are Dockerfile lines (ENV, USER, CMD …)."""

    def close(self) -> None:
        """Remove it. Doing it twice is the same as once."""


class ImageStore(Protocol):
    """The engine, as far as images need it. Every method raises PreflightFailed where the engine does not answer."""

    def find(self, reference: str) -> StoredImage | None:
        """An image by tag or id; None when it is not in the store."""

    def list(self) -> Sequence[StoredImage]:
        """All tagged images, in one call (``user`` is not known then)."""

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        """Fetch from a registry. Raises ImageUnavailable with the registry's words."""

    def tag(self, image_id: str, reference: str) -> None:
        """Point a reference at an image, away from another where it pointed before."""

    def untag(self, reference: str) -> None:
        """Remove a reference, and the image when that was its last. A reference that is not there is no error."""

    def import_root(self, archive: Path, reference: str, changes: Sequence[str]) -> StoredImage:
        """A tar of a root file system as an image of one layer."""

    def create_build_container(self, image: str, *, name: str, mounts: BuildMounts) -> BuildContainer:
        """A build container made from an image in the store; one of the same name that was left behind is removed first."""

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        """Images with their tags as one ``docker load`` archive."""

    def load(self, archive: Iterable[bytes]) -> None:
        """The way back. Raises InvalidConfig when it is no such archive."""

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """A volume; one that exists is left alone."""

    def drop_volume(self, name: str) -> int | None:
        """Remove a volume; its size in bytes, or None when there was none."""
