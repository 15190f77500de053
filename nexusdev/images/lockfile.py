"""The image lock: every image of the stack with its version, its contract, and its sources in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct, field

from nexusdev.errors import InvalidConfig, UsageError
from nexusdev.util.file_cache import FileCache
from nexusdev.util.nearest import nearest

FILE = "images.lock.yaml"


class Registry(Struct, frozen=True, kw_only=True, tag=True):
    """An image in a registry.

    Attributes:
        digest: Digest of the image; None for any image that the tag points to.
        why: Why a missing digest is accepted.
        links: Required program → program of the image that is equivalent but has another name.
    """

    reference: str
    digest: str | None = None
    why: str = ""
    links: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"registry {self.reference}"


class Build(Struct, frozen=True, kw_only=True, tag=True):
    """A folder with a Dockerfile. ``cache``: volume that build stages mount at /cache; '' for none."""

    folder: Path
    cache: str = ""

    def __str__(self) -> str:
        return "local build"


class Debootstrap(Struct, frozen=True, kw_only=True, tag=True):
    """A folder whose script ``make`` creates a root file system as rootfs.tar."""

    folder: Path

    def __str__(self) -> str:
        return "debootstrap"


Source = Registry | Build | Debootstrap
REGISTRY, BUILD = "registry", "build"


def kind(source: Source) -> str:
    """Return the value of the setting ``image_sources`` for a source."""
    return REGISTRY if isinstance(source, Registry) else BUILD


class LockedImage(Struct, frozen=True, kw_only=True):
    """One image of the lockfile.

    Attributes:
        programs: Programs that must be on the PATH.
        check: A command that prints the version.
        internal: Whether only builds use it, as a base image.
        optional: Whether the stack works without it if it is not available.
        runtime: The only runtime that uses it; '' for every one.
    """

    name: str
    version: str
    sources: tuple[Source, ...]
    programs: tuple[str, ...] = ()
    check: str = ""
    internal: bool = False
    optional: bool = False
    runtime: str = ""

    @property
    def folder(self) -> Path | None:
        """The folder that it is built from; None if it cannot be built."""
        return next((source.folder for source in self.sources if not isinstance(source, Registry)), None)

    @property
    def variable(self) -> str:
        """The interpolation variable of the compose files: NEXUS_IMAGE_POSTGRES."""
        return f"NEXUS_IMAGE_{self.name.upper().replace('-', '_')}"


class Lock(Struct, frozen=True, kw_only=True):
    """All images, in the order of the file.

    Attributes:
        runtime: The runtime that the images are for; '' for none in particular.
    """

    file: Path
    images: Mapping[str, LockedImage]
    runtime: str = ""

    @property
    def runnable(self) -> tuple[str, ...]:
        """The names of the images that containers of the stack, or the runtime, use."""
        return tuple(
            name for name, image in self.images.items() if not image.internal and image.runtime in {"", self.runtime}
        )

    def choose(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the given names in the order of the file; all runnable ones if none is given. Raises UsageError for an unknown name."""
        wanted = set(names)
        for name in sorted(wanted - set(self.images)):
            near = nearest(name, self.images)
            raise UsageError(
                f"unknown image {name} in {self.file.name}",
                why=f"known: {', '.join(self.images)}",
                hint=f"did you mean {near[0]}?" if near else "nexusdev images list",
            )
        return tuple(name for name in self.images if name in wanted) if wanted else self.runnable


def load(file: Path, *, cache: Path | None = None) -> Lock:
    """Read the lockfile.

    Args:
        file: The lockfile.
        cache: Folder for the parsed result; None to parse the file each time.

    Raises:
        InvalidConfig: The file is invalid; the error has file, line, key and what is allowed.
    """

    def read() -> Lock:
        from nexusdev.images.lockfile_reader import read_lock

        return read_lock(file)

    if cache is None:
        return read()
    return FileCache(cache / "images.kept", Lock, key=str(file)).get(read, made_of=_made_of)


def _made_of(lock: Lock) -> Iterator[Path]:
    """Yield the input files of the parsed result, including the code of the reader, which changes during development."""
    yield lock.file
    yield from (image.folder for image in lock.images.values() if image.folder)
    yield from Path(__file__).parent.glob("*.py")


def default_file() -> Path:
    """Return the lockfile next to the stack: in the installed package, or in the checkout that contains this code."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_compose", package.parent / "compose"):
        if (folder / FILE).is_file():
            return folder / FILE
    raise InvalidConfig(
        f"{FILE} is missing from this installation", why=f"looked beside {package}", hint="pipx reinstall nexusdev"
    )
