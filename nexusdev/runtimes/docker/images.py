"""Images in a Docker engine: ``image_store.ImageStore`` over the Engine API."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexusdev.errors import ImageUnavailable, InvalidConfig, NotFound, PreflightFailed
from nexusdev.runtimes.docker import build_context
from nexusdev.runtimes.docker.connection import Engine
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.image_store import BuildMounts, Say, StoredImage
from nexusdev.stack.model import ServiceBuild

if TYPE_CHECKING:
    from docker import APIClient

    from nexusdev.runtimes.docker.build_container import DockerBuildContainer

# A commit or an import of half a gigabyte returns only when it is on the disk.
_PATIENCE = 900
_CHUNK = 2 * 1024 * 1024
# what registries say to a caller without credentials; some say the same of an image that does not exist
_NO_ACCESS = (
    "no basic auth credentials",
    "unauthorized",
    "authentication required",
    "access denied",
    "access forbidden",
)


class DockerImages:
    """The image store of a connected engine. Thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.with_timeout(_PATIENCE)

    @property
    def _api(self) -> APIClient:
        return self._engine.api

    def find(self, reference: str) -> StoredImage | None:
        try:
            with self._words():
                return _stored(self._engine.http.inspect_image(reference))
        except (ImageUnavailable, NotFound):
            return None

    def list(self) -> Sequence[StoredImage]:
        with self._words():
            return [_listed(each) for each in self._engine.http.images()]

    def pull(self, reference: str, digest: str | None, say: Say) -> StoredImage:
        repository, _, tag = reference.rpartition(":")
        wanted = f"{repository}@{digest}" if digest else reference
        try:
            with self._words():
                for progress in self._api.pull(repository, tag=digest or tag, stream=True, decode=True):
                    _heard(wanted, progress, say)
                return _stored(self._api.inspect_image(wanted))
        except (PreflightFailed, NotFound) as error:
            if getattr(error, "code", "") == "ENGINE_LOST":
                raise
            raise not_pulled(wanted, error.message) from error

    def push(self, reference: str, target: str, say: Say) -> str:
        repository, _, tag = target.rpartition(":")
        found = self.find(reference)
        if found is None:
            raise NotFound(f"image {reference} is not in the engine")
        digest, was_tagged = "", target in found.tags
        self.tag(found.id, target)
        try:
            with self._words():
                for progress in self._api.push(repository, tag=tag, stream=True, decode=True):
                    _pushed(target, progress, say)
                    digest = (progress.get("aux") or {}).get("Digest", digest)
        except (PreflightFailed, NotFound) as error:
            if getattr(error, "code", "") == "ENGINE_LOST":
                raise
            raise not_pushed(target, error.message) from error
        finally:
            if not was_tagged:
                self.untag(target)
        if not digest:
            raise not_pushed(target, "the engine named no digest")
        return digest

    def registry_digest(self, target: str) -> str:
        try:
            with self._words():
                return str(self._api.inspect_distribution(target)["Descriptor"]["digest"])
        except (ImageUnavailable, NotFound, PreflightFailed):
            return ""

    def tag(self, image_id: str, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        with self._words():
            self._api.tag(image_id, repository, tag, force=True)

    def untag(self, reference: str) -> None:
        with contextlib.suppress(ImageUnavailable, NotFound), self._words():
            self._api.remove_image(reference)

    def import_root(self, archive: Path, reference: str, changes: Sequence[str]) -> StoredImage:
        repository, _, tag = reference.rpartition(":")
        with self._words(), archive.open("rb") as stream:
            # The SDK's import methods accept changes but drop them for streams, so the request is sent directly.
            response = self._api._post(
                self._api._url("/images/create"),
                data=stream,
                params={"fromSrc": "-", "repo": repository, "tag": tag, "changes": builtins.list(changes)},
                headers={"Content-Type": "application/tar"},
                timeout=_PATIENCE,
            )
            self._api._raise_for_status(response)
            return _stored(self._api.inspect_image(reference))

    def create_build_container(self, image: str, *, name: str, mounts: BuildMounts) -> DockerBuildContainer:
        from nexusdev.runtimes.docker.build_container import DockerBuildContainer

        return DockerBuildContainer.open(self._engine, image, name=name, mounts=mounts)

    def build_digest(self, build: ServiceBuild) -> str:
        try:
            return build_context.digest(build)
        except OSError as error:
            raise InvalidConfig(
                f"failed to read {error.filename or build.folder}", why=error.strerror or str(error)
            ) from error

    def build(self, build: ServiceBuild, reference: str, labels: Mapping[str, str], say: Say) -> StoredImage:
        try:
            with self._words():
                for progress in self._api.build(
                    path=str(build.folder),
                    dockerfile=build.dockerfile,
                    target=build.target or None,
                    buildargs=dict(build.args),
                    tag=reference,
                    labels=dict(labels),
                    rm=True,
                    forcerm=True,
                    decode=True,
                ):
                    _built(reference, progress, say)
                return _stored(self._api.inspect_image(reference))
        except (PreflightFailed, NotFound) as error:
            if getattr(error, "code", "") == "ENGINE_LOST":
                raise
            raise _not_built(reference, error.message) from error
        except OSError as error:
            raise _not_built(reference, str(error)) from error

    def save(self, references: Sequence[str]) -> Iterator[bytes]:
        with self._words():
            # Several images in one archive share their layers; the SDK's get_image accepts only one name.
            response = self._api._get(
                self._api._url("/images/get"), params={"names": builtins.list(references)}, stream=True
            )
            self._api._raise_for_status(response)
            yield from response.iter_content(_CHUNK)

    def load(self, archive: Iterable[bytes]) -> None:
        with self._words():
            for progress in self._api.load_image(iter(archive)):
                if "error" in progress:
                    raise InvalidConfig("the engine cannot load this archive", why=str(progress["error"]))

    def make_volume(self, name: str, labels: Mapping[str, str]) -> None:
        with self._words():
            self._api.create_volume(name, labels=dict(labels))

    def drop_volume(self, name: str) -> int | None:
        with self._words():
            held = [each for each in self._api.volumes(filters={"name": name})["Volumes"] or () if each["Name"] == name]
            if not held:
                return None
            usage = {each["Name"]: each.get("UsageData") or {} for each in self._api.df()["Volumes"] or ()}
            self._api.remove_volume(name, force=True)
        return int(usage.get(name, {}).get("Size", 0))

    def _words(self) -> contextlib.AbstractContextManager[None]:
        return translate_engine_errors(self._engine.endpoint)


def _stored(inspected: Mapping[str, Any]) -> StoredImage:
    config = inspected.get("Config") or {}
    return StoredImage(
        id=inspected["Id"],
        tags=tuple(inspected.get("RepoTags") or ()),
        digests=_digests(inspected),
        labels=config.get("Labels") or {},
        size=inspected.get("Size", 0),
        user=config.get("User") or "",
    )


def _listed(each: Mapping[str, Any]) -> StoredImage:
    return StoredImage(
        id=each["Id"],
        tags=tuple(each.get("RepoTags") or ()),
        digests=_digests(each),
        labels=each.get("Labels") or {},
        size=each.get("Size", 0),
    )


def _digests(image: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(digest.rpartition("@")[2] for digest in image.get("RepoDigests") or ())


def _heard(wanted: str, progress: Mapping[str, Any], say: Say) -> None:
    if "error" in progress:
        raise not_pulled(wanted, str(progress["error"]))
    if "progressDetail" not in progress and (status := progress.get("status")):
        say(str(status))


def _built(reference: str, progress: Mapping[str, Any], say: Say) -> None:
    if "error" in progress:
        raise _not_built(reference, str(progress["error"]).strip())
    for line in str(progress.get("stream", "")).splitlines():
        if line.strip():
            say(line.rstrip())


def _not_built(reference: str, words: str) -> ImageUnavailable:
    return ImageUnavailable(f"{reference} cannot be built", why=words.removeprefix("the engine refused: "))


def _pushed(target: str, progress: Mapping[str, Any], say: Say) -> None:
    if "error" in progress:
        raise not_pushed(target, str(progress["error"]))
    if "progressDetail" not in progress and (status := progress.get("status")):
        say(str(status))


def not_pushed(target: str, words: str) -> ImageUnavailable:
    """Return the error for a push that failed.

    Args:
        target: The reference in the registry.
        words: What the engine or the registry said.
    """
    registry = target.partition("/")[0]
    login = any(each in words.lower() for each in _NO_ACCESS)
    plain = "server gave http response to https client" in words.lower()
    hint = (
        f"nexusdev images push {target.rpartition('/')[0].partition('/nexusdev')[0]}   try again: what is there stays"
    )
    if login:
        hint = f"docker login {registry}   the registry wants credentials"
    elif plain:
        hint = f"add {registry} to insecure-registries of the engine: the registry has no TLS"
    return ImageUnavailable(f"{target} cannot be pushed", why=words.removeprefix("the engine refused: "), hint=hint)


def not_pulled(wanted: str, words: str) -> ImageUnavailable:
    """Return the error for a pull that failed.

    Args:
        wanted: The reference.
        words: What the engine or the registry said.
    """
    login = any(each in words.lower() for each in _NO_ACCESS)
    registry = wanted.partition("/")[0] if "/" in wanted and set(".:") & set(wanted.partition("/")[0]) else ""
    return ImageUnavailable(
        f"{wanted} cannot be pulled",
        why=words.removeprefix("the engine refused: "),
        hint=f"docker login {registry}".strip() + "   if the image exists: the registry wants credentials"
        if login
        else "",
    )
