"""Protocols for the images of an engine: ImageStore, and BuildContainer, in which an image is built.

``docker/images.py`` is the implementation and ``memory/images.py`` the fake; one contract suite tests both.
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

    Attributes:
        id: sha256:… of its configuration.
        tags: References that point to it.
        digests: sha256:… of the image in registries; empty for built and loaded images.
        size: In bytes.
        user: As configured; '' is root.
    """

    id: str
    tags: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    user: str = ""


class BuildMounts(Struct, frozen=True, kw_only=True):
    """Variables and mounts of a build container that are not part of the built image.

    Attributes:
        environment: Variables of every command.
        mounts: Host path → path in the build container, read-only.
        volumes: Volume → path in the build container.
    """

    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[Path, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)


class BuildContainer(Protocol):
    """A running container in which an image is built. Thread-safe. Every method raises ``PreflightFailed`` if the runtime does not answer."""

    def run(self, script: str, *, user: str, folder: str, environment: Mapping[str, str], say: Say) -> int:
        """Run a /bin/sh script.

        Args:
            script: Text of the script.
            user: The user of the script, as in ``docker exec --user``.
            folder: Its working directory.
            environment: Variables besides those of ``BuildMounts``; they are not part of the image.
            say: Called with every line of its output.

        Returns:
            Its exit code; -1 if the build container was closed meanwhile.
        """

    def put(self, archive: bytes | Iterable[bytes], folder: str) -> None:
        """Unpack a tar archive.

        Args:
            archive: The archive, whole or in pieces.
            folder: The target folder, which must exist.

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
        """Create an image from the current content of the container: one layer over its own image.

        Args:
            reference: The tag of the new image.
            changes: Dockerfile lines (ENV, USER, CMD …).
            labels: Labels of the new image.

        Returns:
            The image, as ``ImageStore.find`` would return it.
        """

    def close(self) -> None:
        """Stop and remove the container. Idempotent."""


class ImageStore(Protocol):
    """The images of a runtime. Thread-safe. Every method raises ``PreflightFailed`` if the runtime does not answer."""

    def find(self, reference: str) -> StoredImage | None:
        """Look for an image.

        Args:
            reference: A tag or an id.

        Returns:
            The image; None if it is not in the store.
        """

    def list(self) -> Sequence[StoredImage]:
        """List all images that have a tag, in one request. Their ``user`` is not set."""

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        """Pull an image from a registry.

        Args:
            reference: Its name and tag in the registry.
            digest: The required sha256:…; None for any image that the tag points to.
            say: Called with every line of progress.

        Returns:
            The image. With a digest it has no tag yet.

        Raises:
            ImageUnavailable: The pull failed; ``why`` is the registry's answer.
        """

    def push(self, reference: str, target: str, say: Say) -> str:
        """Copy an image to a registry. Layers that the registry has are not sent again.

        Args:
            reference: The image in the store.
            target: Its name and tag in the registry, which the store has only during the call.
            say: Called with every line of progress.

        Returns:
            The digest in the registry: sha256:….

        Raises:
            NotFound: There is no such image.
            ImageUnavailable: The registry does not take it; ``why`` is its answer.
        """

    def registry_digest(self, target: str) -> str:
        """Ask a registry for an image.

        Args:
            target: Its name and tag.

        Returns:
            The digest; '' if the registry does not have it, or does not answer.
        """

    def tag(self, image_id: str, reference: str) -> None:
        """Point a tag at an image. The tag is removed from the image that had it before.

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
        """Create an image of one layer from a root file system.

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
            name: The container's name; a leftover container of this name is removed first.
            mounts: Its variables and mounts.

        Returns:
            The running container; the caller closes it.

        Raises:
            NotFound: There is no such image.
        """

    def build_digest(self, build: ServiceBuild) -> str:
        """Return a hash (hexadecimal) of all inputs of ``build``: files that are not ignored, Dockerfile, stage, arguments.

        Raises:
            InvalidConfig: A file of the folder cannot be read.
        """

    def build(self, build: ServiceBuild, reference: str, labels: Mapping[str, str], say: Say) -> StoredImage:
        """Build an image from a folder with a Dockerfile. Missing base images are pulled.

        Args:
            build: The folder, the Dockerfile, the stage and the build arguments.
            reference: The tag of the new image.
            labels: Labels of the new image.
            say: Called with every line of output.

        Raises:
            ImageUnavailable: The build failed, with the engine's message.
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
        """Load an archive that ``save`` wrote.

        Args:
            archive: The archive in pieces.

        Raises:
            InvalidConfig: The archive has another format.
        """

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a volume for a build cache; an existing one is not changed.

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
