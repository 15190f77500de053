"""Images that were pushed to a registry, from which the nodes of a cluster get them: their names there, and their digests.

The digests are kept in the state folder, one small file per image, so that a push that was interrupted goes on where it ended, and several
processes may push at once.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from nexusdev.errors import ImageUnavailable
from nexusdev.runtimes.image_store import ImageStore, Say
from nexusdev.util.files import make_folder
from nexusdev.util.files import replace as replace_file

_FOLDER = "published"
_HASH = 24  # hexadecimal digits of a file name
_TAG_OF_DIGEST = 12
_UNSAFE = re.compile(r"[^A-Za-z0-9_.-]")


class PublishedImage(Struct, frozen=True, kw_only=True):
    """An image in a registry.

    Attributes:
        reference: Its reference in the store.
        target: Its name and tag in the registry.
        digest: Its digest there.
        sent: Whether it was sent now; False if the registry had it.
    """

    reference: str
    target: str
    digest: str
    sent: bool = True

    @property
    def pinned(self) -> str:
        """The name that means this content alone."""
        return f"{self.target}@{self.digest}"


class PublishedImages(Struct, frozen=True, kw_only=True):
    """The images that were published from this machine. ``root``: the folder of all state."""

    root: Path

    def digest(self, target: str) -> str:
        """Return the digest that was recorded; '' for none."""
        try:
            recorded, _, digest = self._file(target).read_text(encoding="utf-8").strip().partition(" ")
        except FileNotFoundError:
            return ""
        return digest if recorded == target else ""

    def record(self, target: str, digest: str) -> None:
        """Remember what a registry has."""
        file = self._file(target)
        make_folder(file.parent)
        replace_file(file, f"{target} {digest}\n")

    def pinned(self, target: str) -> str:
        """Return the name with its digest.

        Raises:
            ImageUnavailable: It was never published from this machine.
        """
        if digest := self.digest(target):
            return f"{target}@{digest}"
        raise ImageUnavailable(
            f"{target} was not pushed from this machine",
            why="its digest is unknown, and images of a registry are used by their digest alone",
            hint="nexusdev images push   push what is missing",
            code="IMAGE_NOT_PUSHED",
        )

    def publish(
        self, store: Callable[[], ImageStore], reference: str, registry: str, say: Say, *, ask: bool = True
    ) -> PublishedImage:
        """Bring an image to a registry, if it is not there.

        Args:
            store: Opens the store that has it.
            reference: Its reference there.
            registry: ``host[:port][/path]``.
            say: Receives the lines of progress.
            ask: Whether the registry is asked for an image that was pushed before; otherwise the record counts.

        Raises:
            NotFound: The store does not have it.
            ImageUnavailable: The registry does not take it.
        """
        target = name_in(registry, reference)
        known = self.digest(target)
        if known and not ask:
            return PublishedImage(reference=reference, target=target, digest=known, sent=False)
        there = store().registry_digest(target)
        digest = there or store().push(reference, target, say)
        if digest != known:
            self.record(target, digest)
        return PublishedImage(reference=reference, target=target, digest=digest, sent=not there)

    def _file(self, target: str) -> Path:
        return self.root / _FOLDER / hashlib.sha256(target.encode()).hexdigest()[:_HASH]


def name_in(registry: str, reference: str) -> str:
    """Return the name of an image in a registry: ``nexusdev/redis:8.0-1a2b`` → ``registry:5000/team/nexusdev/redis:8.0-1a2b``.

    Args:
        registry: ``host[:port][/path]``; '' leaves the reference as it is.
        reference: The reference in the store. The host of another registry is dropped; a digest becomes a tag.
    """
    if not registry:
        return reference
    name, _, digest = reference.partition("@")
    first, slash, rest = name.partition("/")
    path = rest if slash and ("." in first or ":" in first or first == "localhost") else name
    folder, _, last = path.rpartition("/")
    last, _, tag = last.partition(":")
    tag = tag or digest.rpartition(":")[2][:_TAG_OF_DIGEST] or "latest"
    return f"{registry}/{f'{folder}/' if folder else ''}{last}:{_UNSAFE.sub('-', tag)}"
