"""Saves all images to one archive, and loads it, so that another machine runs the stack without a network.

It has the format of ``docker save`` (plain ``docker load`` can read it), with one additional first member, ``nexusdev.json``: names, versions
and ids of the images. A file whose name ends in .gz is compressed.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from msgspec import Struct, json

from nexusdev.errors import ImageUnavailable, InvalidConfig, NotFound
from nexusdev.images.images import Images
from nexusdev.images.tags import local_tag
from nexusdev.runtimes.image_store import IMAGE_LABEL, StoredImage

MANIFEST = "nexusdev.json"
SCHEMA = 1
_CHUNK = 2 * 1024 * 1024
_LARGEST_MANIFEST = 1024 * 1024


class Packed(Struct, frozen=True, kw_only=True):
    """One image in a bundle. ``label``: its label with the tag, '' for an image from a registry."""

    name: str
    version: str
    reference: str
    id: str
    size: int
    label: str = ""


class _Manifest(Struct, frozen=True, kw_only=True):
    """The content of nexusdev.json; its defaults apply to an archive without one."""

    schema: int = 0
    images: tuple[Packed, ...] = ()


class Bundle(Struct, frozen=True, kw_only=True):
    """A bundle and its images. ``bytes``: size of the file."""

    file: Path
    bytes: int
    images: tuple[Packed, ...]


def save(images: Images, file: Path, names: Collection[str] = ()) -> Bundle:
    """Write the images in the store to one file, atomically.

    An optional image that is missing is left out, unless it was named.

    Args:
        images: The images of this installation.
        file: The file to write.
        names: Lockfile names; empty for all runnable images.

    Raises:
        ImageUnavailable: An image is missing.
    """
    wanted = {
        name: stored
        for name, stored in images.stored(names).items()
        if stored or names or not images.lock.images[name].optional
    }
    packed = tuple(_packed(images, name, stored) for name, stored in wanted.items())
    temporary = file.with_name(f".{file.name}.part")
    try:
        with tarfile.open(temporary, mode="w:gz" if file.suffix in (".gz", ".tgz") else "w", **_level(file)) as archive:
            _add_manifest(archive, packed)
            _add_images(archive, images.store.save([each.reference for each in packed]))
        temporary.replace(file)
    except OSError as error:
        raise InvalidConfig(f"failed to write {file}", why=error.strerror or str(error), hint="df -h .") from error
    finally:
        temporary.unlink(missing_ok=True)
    return Bundle(file=file, bytes=file.stat().st_size, images=packed)


def load(images: Images, file: Path) -> Bundle:
    """Load a bundle's images into the store and verify them. Raises NotFound, InvalidConfig."""
    packed = contents(file)
    images.store.load(_chunks(file))
    for each in packed:
        found = images.store.find(each.reference)
        if found is None or not _same(each, found):
            raise InvalidConfig(
                f"{each.reference} from {file.name} does not match the saved image",
                why=f"its manifest says {each.id}, the store has {found.id if found else 'nothing'}",
            )
        images.store.tag(found.id, local_tag(each.name))
    return Bundle(file=file, bytes=file.stat().st_size, images=packed)


def contents(file: Path) -> tuple[Packed, ...]:
    """Return the images that a bundle declares; reads only its first member. Raises NotFound, InvalidConfig."""
    try:
        with tarfile.open(file, mode="r|*") as archive:
            first = archive.next()
            stream = archive.extractfile(first) if first and first.name == MANIFEST else None
            manifest = json.decode(stream.read(_LARGEST_MANIFEST), type=_Manifest) if stream else _Manifest()
    except FileNotFoundError as error:
        raise NotFound(
            f"file {file} does not exist", hint="nexusdev images save FILE    on a machine that has the images"
        ) from error
    except (OSError, tarfile.TarError, ValueError) as error:
        raise InvalidConfig(f"{file} is not an archive of nexusdev images", why=str(error)) from error
    if manifest.schema != SCHEMA:
        raise InvalidConfig(
            f"{file} is not an archive of nexusdev images", why=f"its {MANIFEST} is missing or has another version"
        )
    return manifest.images


def outdated(images: Images, packed: Sequence[Packed]) -> Mapping[str, str]:
    """Return name → the reference that this installation needs, for images of the bundle that come from another build."""
    wanted = {name: images.references.get(name, "") for name in (each.name for each in packed)}
    return {each.name: wanted[each.name] for each in packed if wanted[each.name] != each.reference}


def _packed(images: Images, name: str, stored: StoredImage | None) -> Packed:
    image, reference = images.lock.images[name], images.resolve([name])[name]
    if stored is None:
        raise ImageUnavailable(
            f"image {name} {image.version} is not in the image store", why=reference, hint="nexusdev images build"
        )
    return Packed(
        name=name,
        version=image.version,
        reference=reference,
        id=stored.id,
        size=stored.size,
        label=stored.labels.get(IMAGE_LABEL, ""),
    )


def _same(packed: Packed, found: StoredImage) -> bool:
    # Engines with the containerd image store assign other IDs to the same content.
    return found.id == packed.id or (bool(packed.label) and found.labels.get(IMAGE_LABEL) == packed.label)


def _add_manifest(archive: tarfile.TarFile, packed: Sequence[Packed]) -> None:
    content = json.format(json.encode(_Manifest(schema=SCHEMA, images=tuple(packed)))) + b"\n"
    member = tarfile.TarInfo(MANIFEST)
    member.size = len(content)
    member.mode = 0o644
    archive.addfile(member, io.BytesIO(content))


def _add_images(archive: tarfile.TarFile, stream: Iterator[bytes]) -> None:
    with tarfile.open(fileobj=cast("IO[bytes]", _ChunkReader(stream)), mode="r|") as saved:
        for member in saved:
            archive.addfile(member, saved.extractfile(member) if member.isreg() else None)


def _level(file: Path) -> dict[str, Any]:
    return {"compresslevel": 1} if file.suffix in (".gz", ".tgz") else {}


def _chunks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


class _ChunkReader:
    """A readable object over chunks."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""

    def read(self, size: int) -> bytes:
        """Return up to ``size`` bytes; fewer only at the end."""
        parts, missing = [], size
        while missing:
            if not self._rest:
                self._rest = next(self._chunks, b"")
                if not self._rest:
                    break
            part, self._rest = self._rest[:missing], self._rest[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)
