"""The images of a stack: their references, which ones the store has, and how to fetch the others."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.events import Listener, Note, Silence
from nexusdev.images.builder.slots import BuildSlots
from nexusdev.images.lockfile import BUILD, REGISTRY, Lock, default_file, load
from nexusdev.images.tags import tags
from nexusdev.runtimes.image_store import ImageStore, StoredImage
from nexusdev.util.lock import Holder, Patience, hold

if TYPE_CHECKING:
    from nexusdev.images.fetch import FetchedImage, ImageFetch

OVERRIDE = "NEXUSDEV_IMAGE_"
_LONGEST_BUILD = 3600.0


class Images(Struct, frozen=True, kw_only=True, dict=True):
    """The images of one lockfile in one engine. Connects to the engine at its first use.

    Attributes:
        root: The folder of all state; logs are in logs/images, and a build holds locks/images.lock.
        kinds: Allowed sources of missing images, in order: 'registry', 'build'.
        environ: NEXUSDEV_IMAGE_<NAME> replaces an image of the lockfile; also has proxies and trust for builds.
        cores: Number of parallel builds; 0 for the number of processors.
    """

    lock: Lock
    connect: Callable[[], ImageStore]
    root: Path
    kinds: tuple[str, ...] = (REGISTRY, BUILD)
    environ: Mapping[str, str] = field(default_factory=dict)
    cores: int = 0

    @cached_property
    def store(self) -> ImageStore:
        """The engine's store. Raises PreflightFailed."""
        return self.connect()

    @cached_property
    def references(self) -> Mapping[str, str]:
        """Name → content-addressed tag, of every image in the lockfile."""
        return tags(self.lock)

    @cached_property
    def overrides(self) -> Mapping[str, str]:
        """Name → the reference that the environment sets instead."""
        named = {
            name: f"{OVERRIDE}{image.variable.removeprefix('NEXUS_IMAGE_')}" for name, image in self.lock.images.items()
        }
        return {name: self.environ[variable] for name, variable in named.items() if self.environ.get(variable)}

    @property
    def logs(self) -> Path:
        return self.root / "logs" / "images"

    def of_runtime(self, runtime: str) -> Images:
        """Return the same images, where no names mean those of the stack and of this runtime."""
        return replace(self, lock=replace(self.lock, runtime=runtime))

    def resolve(self, names: Iterable[str] = ()) -> Mapping[str, str]:
        """Return name → reference for containers. Makes no request. Raises UsageError for an unknown name."""
        return {name: self.overrides.get(name, self.references[name]) for name in self.lock.choose(names)}

    def is_built(self, name: str) -> bool:
        """Return whether the image can be built on this machine; other images only come from a registry."""
        return self.lock.images[name].folder is not None

    def variables(self) -> Mapping[str, str]:
        """Return NEXUS_IMAGE_<NAME> → reference, for the compose files."""
        return {self.lock.images[name].variable: reference for name, reference in self.resolve().items()}

    def stored(self, names: Iterable[str] = ()) -> Mapping[str, StoredImage | None]:
        """Return name → the stored image; None if the engine does not have it. One request."""
        by_tag = {tag: image for image in self.store.list() for tag in image.tags}
        return {name: by_tag.get(reference) for name, reference in self.resolve(names).items()}

    def begin(
        self,
        names: Iterable[str] = (),
        *,
        offline: bool = False,
        kinds: tuple[str, ...] | None = None,
        on_ready: Callable[[FetchedImage], None] = lambda _: None,
        listener: Listener | None = None,
    ) -> ImageFetch:
        """Start to fetch the images in the background. Hold ``building()`` around it if an image is missing.

        Args:
            names: Lockfile names; empty for all runnable images.
            offline: Use no source; only look in the store.
            kinds: Kinds of sources, in order; None for ``self.kinds``.
            on_ready: Called from worker threads, once per requested image.
            listener: Receives progress events; None for none.

        Returns:
            The running fetch.
        """
        from nexusdev.images.build_log import BuildLog
        from nexusdev.images.builder.build import ImageBuilder
        from nexusdev.images.builder.host import Host
        from nexusdev.images.fetch import FetchRequest, ImageFetch

        heard = listener or Silence()
        host = Host(environ=self.environ, folder=self.root / "build")
        wanted = () if offline else self.kinds if kinds is None else kinds
        request = FetchRequest(
            names=self.lock.choose(names),
            kinds=wanted,
            kinds_of_parents=self.kinds if wanted else (),
            overrides=self.overrides,
        )
        fetch = ImageFetch(
            lock=self.lock,
            builder=lambda opened: ImageBuilder(store=self.store, host=host, references=self.references, opened=opened),
            request=request,
            slots=BuildSlots(self.cores or os.cpu_count() or 1),
            log=lambda name: BuildLog(name, file=self.logs / f"{name}.log", listener=heard),
            on_ready=on_ready,
        )
        fetch.start()
        return fetch

    def ensure(
        self,
        names: Iterable[str] = (),
        *,
        offline: bool = False,
        kinds: tuple[str, ...] | None = None,
        on_ready: Callable[[FetchedImage], None] = lambda _: None,
        listener: Listener | None = None,
    ) -> tuple[FetchedImage, ...]:
        """Fetch the images and wait until all are in the store.

        Args:
            names: Lockfile names; empty for all runnable images.
            offline: Use no source; only look in the store.
            kinds: Kinds of sources, in order; None for ``self.kinds``.
            on_ready: Called once per requested image; from worker threads if an image is missing.
            listener: Receives progress events; None for none.

        Returns:
            The images in the order of the lockfile.

        Raises:
            ImageUnavailable: An image is not available; the error has the failure of each source, the last lines and the log.
            Locked: Another process builds images for more than an hour.
        """
        existing = self.stored(names)
        if all(existing.values()):
            fetched = tuple(
                _at_hand(name, self.resolve([name])[name], image) for name, image in existing.items() if image
            )
            for each in fetched:
                on_ready(each)
            return fetched
        with contextlib.nullcontext() if offline else self.building(listener):
            return self.begin(names, offline=offline, kinds=kinds, on_ready=on_ready, listener=listener).wait_all()

    @contextlib.contextmanager
    def building(self, listener: Listener | None = None) -> Iterator[None]:
        """Hold the lock for builds during the block. Only one process builds; the next one finds the built images. Raises Locked after an hour."""

        def tell(who: Holder | None) -> None:
            words = f" ({who.who})" if who else ""
            (listener or Silence()).tell(Note(text=f"waiting for another nexusdev{words} that is building images"))

        file = self.root / "locks" / "images.lock"
        patience = Patience(seconds=_LONGEST_BUILD, tell=tell)
        with hold(file, subject="the images", command="nexusdev images build", patience=patience):
            yield


def _at_hand(name: str, reference: str, image: StoredImage) -> FetchedImage:
    from nexusdev.images.fetch import FetchedImage

    return FetchedImage(name=name, reference=reference, id=image.id)


def open_images(
    root: Path,
    *,
    kinds: tuple[str, ...] = (REGISTRY, BUILD),
    lock: Path | None = None,
    connect: Callable[[], ImageStore],
    cache: Path | None = None,
) -> Images:
    """Return the images of this installation.

    Args:
        root: The folder of all state.
        kinds: Allowed sources of missing images, in order.
        lock: The lockfile; None for the installed one.
        connect: Opens the image store of the runtime.
        cache: See ``lockfile.load``.

    Raises:
        InvalidConfig: The lockfile is invalid.
    """
    return Images(
        lock=load(lock or default_file(), cache=cache),
        connect=connect,
        root=root,
        kinds=kinds,
        environ=os.environ,
    )
