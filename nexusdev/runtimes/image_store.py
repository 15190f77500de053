"""Protocols for the images of an engine: ImageStore, and BuildContainer in which an image is made.

``docker/images.py`` is the real one, ``memory/images.py`` the fake beside it; one contract suite holds both to these words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from msgspec import Struct, field

from nexusdev.stack.model import ServiceBuild

Say = Callable[[str], None]

#: Label of a volume with the cache of image builds; the value is the name of the cache.
CACHE_LABEL = "dev.nexus.cache"
#: Label of an image that nexusdev built; the value is its original reference.
IMAGE_LABEL = "dev.nexus.image"


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
    """A running container in which an image is made. Every method may be called from any thread, and raises ``PreflightFailed``
    if the runtime does not answer."""

    def run(self, script: str, *, user: str, folder: str, environment: Mapping[str, str], say: Say) -> int:
        """Run a /bin/sh script.

        Args:
            script: Its text.
            user: Who runs it, as in ``docker exec --user``.
            folder: Where it starts.
            environment: Variables beside those of ``BuildMounts``; they do not get into the image.
            say: Called with every line of its output.

        Returns:
            Its exit code; -1 if the build container was closed meanwhile.
        """

    def put(self, archive: bytes | Iterable[bytes], folder: str) -> None:
        """Unpack a tar archive.

        Args:
            archive: The archive, whole or in pieces.
            folder: Where to; it exists.

        Raises:
            NotFound: There is no such folder.
        """

    def get(self, path: str) -> Iterator[bytes]:
        """Read a file.

        Args:
            path: Its absolute path.

        Returns:
            A tar archive with one member, in pieces.

        Raises:
            NotFound: There is no such file.
        """

    def commit(self, reference: str, changes: Sequence[str], labels: Mapping[str, str]) -> StoredImage:
        """Make an image of what the container has now: one layer over its own image.

        Args:
            reference: The tag of the new image.
            changes: Dockerfile lines (ENV, USER, CMD …).
            labels: Labels of the new image.

        Returns:
            The image, as ``ImageStore.find`` would return it.
        """

    def close(self) -> None:
        """Remove it, and end what runs in it. Closing it twice is the same as once."""


class ImageStore(Protocol):
    """The images of a runtime. Every method may be called from several threads, and raises ``PreflightFailed`` if the runtime
    does not answer."""

    def find(self, reference: str) -> StoredImage | None:
        """Look for an image.

        Args:
            reference: A tag or an id.

        Returns:
            The image; None if it is not in the store.
        """

    def list(self) -> Sequence[StoredImage]:
        """List all images that have a tag, in one request; their ``user`` is not known then."""

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        """Fetch an image from a registry.

        Args:
            reference: Its name and tag in the registry.
            digest: The sha256:… that it must have; None for whatever the tag points at.
            say: Called with every line of progress.

        Returns:
            The image. With a digest it has no tag yet.

        Raises:
            ImageUnavailable: The registry does not deliver it; ``why`` is the registry's answer.
        """

    def tag(self, image_id: str, reference: str) -> None:
        """Point a tag at an image, away from the image that had it before.

        Args:
            image_id: The image's id, or one of its tags.
            reference: The tag.

        Raises:
            NotFound: There is no such image.
        """

    def untag(self, reference: str) -> None:
        """Remove a tag, and the image with its last tag. A tag that does not exist is no error.

        Args:
            reference: The tag.
        """

    def import_root(self, archive: Path, reference: str, changes: Sequence[str]) -> StoredImage:
        """Make an image of one layer from a root file system.

        Args:
            archive: A tar file of the root file system.
            reference: The tag of the new image.
            changes: Dockerfile lines (ENV, USER, CMD …).

        Returns:
            The image.
        """

    def create_build_container(self, image: str, *, name: str, mounts: BuildMounts) -> BuildContainer:
        """Start a build container.

        Args:
            image: Tag or id of an image in the store.
            name: The container's name; one of this name that was left behind is removed first.
            mounts: What it has besides its image.

        Returns:
            The running container; the caller closes it.

        Raises:
            NotFound: There is no such image.
        """

    def build_digest(self, build: ServiceBuild) -> str:
        """A hash (hexadecimal) of all that decides what ``build`` makes: files that are not ignored, Dockerfile, stage, arguments.

        Raises:
            InvalidConfig: A file of the folder cannot be read.
        """

    def build(self, build: ServiceBuild, reference: str, labels: Mapping[str, str], say: Say) -> StoredImage:
        """Build an image from a folder with a Dockerfile; every line of output is said. Images that it is based on are pulled if missing.

        Raises:
            ImageUnavailable: It failed, with the engine's words.
        """

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        """Write images with their tags as one ``docker load`` archive.

        Args:
            references: Their tags.

        Returns:
            The archive in pieces. Errors come with the first piece.

        Raises:
            NotFound: There is no such image.
        """

    def load(self, archive: Iterable[bytes]) -> None:
        """Read what ``save`` wrote.

        Args:
            archive: The archive in pieces.

        Raises:
            InvalidConfig: It is no such archive.
        """

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Make a volume for a build cache; one that exists stays as it is.

        Args:
            name: Its full name.
            labels: Its labels; ``RuntimeProvider.inventory`` finds it by ``CACHE_LABEL``.
        """

    def drop_volume(self, name: str) -> int | None:
        """Remove a volume with a build cache.

        Args:
            name: Its full name.

        Returns:
            Its size in bytes; None if there was none.
        """
