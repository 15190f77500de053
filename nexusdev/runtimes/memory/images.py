"""An image store in memory, for tests: the fake of ``docker/images.py``.

Builds are scripted: ``MemoryImages(on_run=…)`` determines the output and the exit code of a command.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.errors import ImageUnavailable, InvalidConfig, NotFound
from nexusdev.runtimes.docker import build_context
from nexusdev.runtimes.image_store import BuildMounts, Say, StoredImage
from nexusdev.stack.model import ServiceBuild

OnRun = Callable[["MemoryBuildContainer", str, Say], int]
_SAVED = "memory.json"


def succeed(_container: MemoryBuildContainer, _script: str, _say: Say) -> int:
    """Return exit code 0 for every command, without output."""
    return 0


class MemoryImages(Struct, kw_only=True):
    """A fake image store.

    Attributes:
        published: Reference → digest of the image in the registry.
        built: References of all builds with a Dockerfile, in order.
        unbuildable: Folder → why its build fails.
        pushed: The targets of all pushes, in order.
        refusing: Registry, or target → why it is not taken.
        opened: Names of all build containers, in order.
    """

    published: dict[str, str] = field(default_factory=dict)
    built: list[str] = field(default_factory=list)
    unbuildable: dict[Path, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    refusing: dict[str, str] = field(default_factory=dict)
    on_run: OnRun = succeed
    images: dict[str, StoredImage] = field(default_factory=dict)
    volumes: dict[str, Mapping[str, str]] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    def find(self, reference: str) -> StoredImage | None:
        with self._guard:
            held = self.images.values()
            return next((each for each in held if reference == each.id or reference in each.tags), None)

    def list(self) -> Sequence[StoredImage]:
        with self._guard:
            return [replace(image, user="") for image in self.images.values() if image.tags]

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        if reference not in self.published or digest not in (None, self.published[reference]):
            raise ImageUnavailable(f"{reference} cannot be pulled", why="not found: manifest unknown")
        say(f"Pulling {reference}")
        made = StoredImage(
            id=_id(reference), tags=(reference,), digests=(self.published[reference],), size=len(reference)
        )
        return self._keep(made)

    def push(self, reference: str, target: str, say: Say) -> str:
        found = self.find(reference)
        if found is None:
            raise NotFound(f"image {reference} is not in the store")
        if why := self.refusing.get(target.partition("/")[0]) or self.refusing.get(target):
            raise ImageUnavailable(f"{target} cannot be pushed", why=why)
        say(f"Pushing {target}")
        with self._guard:
            self.pushed.append(target)
            self.published[target] = f"sha256:{hashlib.sha256(found.id.encode()).hexdigest()}"
            return self.published[target]

    def registry_digest(self, target: str) -> str:
        return self.published.get(target, "")

    def tag(self, image_id: str, reference: str) -> None:
        with self._guard:
            found = self.find(image_id)
            if found is None:
                raise NotFound(f"no such image: {image_id}")
            self._take_away(reference)
            held = self.images[found.id]
            self.images[found.id] = replace(held, tags=(*held.tags, reference))

    def untag(self, reference: str) -> None:
        with self._guard:
            self._take_away(reference)
            self.images = {each.id: each for each in self.images.values() if each.tags}

    def import_root(self, archive: Path, reference: str, changes: Sequence[str]) -> StoredImage:
        content = archive.read_bytes()
        return self._tagged(StoredImage(id=_id(content.hex()), size=len(content), user=_user(changes)), reference)

    def create_build_container(self, image: str, *, name: str, mounts: BuildMounts) -> MemoryBuildContainer:
        if self.find(image) is None:
            raise NotFound(f"no such image: {image}")
        with self._guard:
            self.opened.append(name)
        return MemoryBuildContainer(self, image=image, name=name, mounts=mounts)

    def build_digest(self, build: ServiceBuild) -> str:
        return build_context.digest(build)

    def build(self, build: ServiceBuild, reference: str, labels: Mapping[str, str], say: Say) -> StoredImage:
        first = (build.folder / build.dockerfile).read_text(encoding="utf-8").splitlines()[0]
        say(f"Step 1/1 : {first}")
        self.built.append(reference)
        if build.folder in self.unbuildable:
            raise ImageUnavailable(f"{reference} cannot be built", why=self.unbuildable[build.folder])
        if ".invalid/" in first:  # a reserved domain, which no registry can have
            raise ImageUnavailable(f"{reference} cannot be built", why="no such host")
        what = f"{reference} {self.build_digest(build)}"
        return self._tagged(StoredImage(id=_id(what), labels=dict(labels), size=len(what)), reference)

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        found = [self.find(reference) for reference in references]
        content = json.dumps([_document(image) for image in found if image]).encode()
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(_SAVED)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        yield buffer.getvalue()

    def load(self, archive: Iterable[bytes]) -> None:
        try:
            with tarfile.open(fileobj=io.BytesIO(b"".join(archive)), mode="r:*") as saved:
                content = saved.extractfile(_SAVED)
                documents = json.loads(content.read()) if content else []
        except (tarfile.TarError, KeyError) as error:
            raise InvalidConfig("the engine cannot load this archive", why=str(error)) from error
        for document in documents:
            self._keep(StoredImage(**{**document, "tags": (), "digests": ()}))
            for reference in document["tags"]:
                self.tag(document["id"], reference)

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        self.volumes.setdefault(name, labels)

    def drop_volume(self, name: str) -> int | None:
        return None if self.volumes.pop(name, None) is None else 0

    def commit(self, made: StoredImage, reference: str) -> StoredImage:
        """Add the image that a build container created."""
        return self._tagged(made, reference)

    def _tagged(self, made: StoredImage, reference: str) -> StoredImage:
        with self._guard:
            self._keep(made)
            self.tag(made.id, reference)
            return self.images[made.id]

    def _keep(self, made: StoredImage) -> StoredImage:
        with self._guard:
            return self.images.setdefault(made.id, made)

    def _take_away(self, reference: str) -> None:
        for each in tuple(self.images.values()):
            if reference in each.tags:
                self.images[each.id] = replace(each, tags=tuple(tag for tag in each.tags if tag != reference))


class MemoryBuildContainer:
    """A fake build container that records commands and files; files can be read again by path."""

    def __init__(self, store: MemoryImages, *, image: str, name: str, mounts: BuildMounts) -> None:
        self.store = store
        self.image = image
        self.name = name
        self.mounts = mounts
        self.ran: list[str] = []
        self.files: dict[str, bytes] = {}
        self.ended = threading.Event()

    def run(self, script: str, *, user: str, folder: str, environment: Mapping[str, str], say: Say) -> int:  # noqa: ARG002 - the protocol's
        self.ran.append(script)
        code = self.store.on_run(self, script, say)
        return -1 if self.ended.is_set() else code

    def put(self, archive: bytes | Iterable[bytes], folder: str) -> None:
        content = archive if isinstance(archive, bytes) else b"".join(archive)
        with tarfile.open(fileobj=io.BytesIO(content)) as packed:
            for member in packed:
                stream = packed.extractfile(member)
                self.files[f"{folder.rstrip('/')}/{member.name}"] = stream.read() if stream else b""

    def get(self, path: str) -> Iterator[bytes]:
        if path not in self.files:
            raise NotFound(f"no such file: {path}")
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            member = tarfile.TarInfo(path.rpartition("/")[2])
            member.size = len(self.files[path])
            archive.addfile(member, io.BytesIO(self.files[path]))
        yield buffer.getvalue()

    def commit(self, reference: str, changes: Sequence[str], labels: Mapping[str, str]) -> StoredImage:
        what = json.dumps([self.image, self.ran, sorted(self.files), [*changes], dict(labels)])
        made = StoredImage(id=_id(what), labels=dict(labels), size=len(what), user=_user(changes))
        return self.store.commit(made, reference)

    def close(self) -> None:
        self.ended.set()
        if self.name not in self.store.closed:
            self.store.closed.append(self.name)


def _id(content: str) -> str:
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _user(changes: Sequence[str]) -> str:
    return next((change.removeprefix("USER ") for change in reversed(changes) if change.startswith("USER ")), "")


def _document(image: StoredImage) -> dict[str, object]:
    return {
        "id": image.id,
        "tags": image.tags,
        "labels": dict(image.labels),
        "size": image.size,
        "user": image.user,
    }
