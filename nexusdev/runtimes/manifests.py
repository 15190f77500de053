"""The ManifestRenderer protocol: the stack as files for a cluster that others operate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from nexusdev.stack.model import Stack


class RenderedManifests(Struct, frozen=True, kw_only=True):
    """The files of a rendered stack.

    Attributes:
        files: Path relative to the folder → text.
        applied: The paths of the files whose objects are applied, in order.
        index: The path of the file that lists the others, as items of a YAML list.
        unlisted: The paths of files that some profiles write, and that ``index`` never lists.
        mark: What the text of ``index`` begins with: a folder that nexusdev wrote is recognized by it.
    """

    files: Mapping[str, str]
    applied: tuple[str, ...]
    index: str
    unlisted: tuple[str, ...] = ()
    mark: str

    @property
    def stream(self) -> str:
        """All objects that are applied, as one YAML stream."""
        return "---\n".join(self.files[name] for name in self.applied)


class ManifestRenderer(Protocol):
    """One kind of manifests. ``registry.renderer`` returns it by its name on the command line. Pure."""

    @property
    def profiles(self) -> Sequence[str]:
        """The profiles that it knows; the first is the default."""

    @property
    def user(self) -> tuple[int, int]:
        """The uid and gid that the services run as: not this machine's user, because files are copied."""

    def render(
        self, stack: Stack, *, profile: str, configs: Mapping[str, str], dev_access: bool = False
    ) -> RenderedManifests:
        """Render a stack.

        Args:
            stack: The stack, loaded with ``user``.
            profile: One of ``profiles``.
            configs: Config → its content. Those that only exist on this machine are missing.
            dev_access: Whether a profile for shared clusters also gets the access for development.

        Raises:
            InvalidConfig: The compose files say something that cannot be rendered; the error has file, line and key.
        """
