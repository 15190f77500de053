"""Fetches images in parallel, one thread each; as many builds at a time as there are cores, parents first.

A thread that waits for one image continues as soon as that image is available. The first failure cancels the other fetches, so that it
is reported at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

from msgspec import Struct

from nexusdev.errors import ImageUnavailable, NexusError
from nexusdev.images.build_log import BuildLog
from nexusdev.images.builder.build import ImageBuilder, SourceUnavailable, unavailable
from nexusdev.images.builder.slots import BuildSlots
from nexusdev.images.lockfile import Build, Lock, LockedImage, Registry, Source
from nexusdev.images.sources import fetch, in_order
from nexusdev.images.tags import local_tag, parents
from nexusdev.runtimes.image_store import BuildContainer, StoredImage

STORE = "store"


class FetchedImage(Struct, frozen=True, kw_only=True):
    """An image that is in the engine's store.

    Attributes:
        source: 'store' if it was there already, else the source that it was fetched from.
        seconds: Duration of the fetch, in seconds.
    """

    name: str
    reference: str
    id: str
    source: str = STORE
    seconds: float = 0.0


class FetchRequest(Struct, frozen=True, kw_only=True):
    """The images to fetch.

    Attributes:
        names: Lockfile names of the requested images.
        kinds: Kinds of sources of the requested images, in order; empty for the store only.
        kinds_of_parents: Kinds of sources of the images that they are built on.
        overrides: Name → reference that the environment sets instead.
    """

    names: tuple[str, ...]
    kinds: tuple[str, ...]
    kinds_of_parents: tuple[str, ...]
    overrides: Mapping[str, str]


class ImageFetch:
    """A running fetch, started by ``Images.begin``. Threads may wait for it and cancel it."""

    def __init__(
        self,
        *,
        lock: Lock,
        builder: Callable[[Callable[[BuildContainer], None]], ImageBuilder],
        request: FetchRequest,
        slots: BuildSlots,
        log: Callable[[str], BuildLog],
        on_ready: Callable[[FetchedImage], None],
    ) -> None:
        self._lock = lock
        self._builder = builder(self._opened)
        self._request = request
        self._slots = slots
        self._open_log = log
        self._on_ready = on_ready
        self._futures: dict[str, Future[FetchedImage]] = {}
        self._containers: list[BuildContainer] = []
        self._failure: BaseException | None = None
        self._guard = threading.RLock()
        self._urgent = _ancestors_of_cached(lock)

    def start(self) -> None:
        """Start the fetch of every requested image."""
        for name in sorted(self._request.names, key=self._priority):
            self._future(name)

    def wait(self, name: str, timeout: float | None = None) -> FetchedImage | None:
        """Wait until one image is available.

        Args:
            name: Lockfile name of the image.
            timeout: In seconds; None for no limit.

        Returns:
            The image; None after the timeout.

        Raises:
            ImageUnavailable: No source delivered it.
        """
        try:
            return self._future(name).result(timeout)
        except FutureTimeout:
            return None

    def wait_all(self) -> tuple[FetchedImage, ...]:
        """Wait until all images are available and return them in the order of the lockfile. Raises the first failure."""
        try:
            for name in self._request.names:
                self._future(name).exception()
        except BaseException:
            self.cancel()
            raise
        if self._failure is not None:
            raise self._failure
        return tuple(self._future(name).result() for name in self._request.names)

    def cancel(self, reason: BaseException | None = None) -> None:
        """Cancel the fetch: build containers are closed, and waiting threads raise ``reason``."""
        with self._guard:
            self._failure = self._failure or reason or ImageUnavailable("fetching images was canceled")
            containers, self._containers = self._containers, []
        for container in containers:
            container.close()

    def _opened(self, container: BuildContainer) -> None:
        with self._guard:
            self._containers.append(container)
            given_up = self._failure is not None
        if given_up:
            container.close()
            raise SourceUnavailable("canceled")

    def _future(self, name: str) -> Future[FetchedImage]:
        with self._guard:
            if name not in self._futures:
                self._futures[name] = Future()
                threading.Thread(target=self._run, args=(name,), name=f"image-{name}", daemon=True).start()
            return self._futures[name]

    def _run(self, name: str) -> None:
        future = self._futures[name]
        try:
            fetched = self._obtain(name)
            if name in self._request.names:
                self._on_ready(fetched)
        except BaseException as error:
            if error is not self._failure:  # that of another image, which canceled this one, has its note
                error.add_note(f"while getting the image {name}")
            try:
                self.cancel(reason=error)
            finally:
                future.set_exception(self._failure or error)
        else:
            future.set_result(fetched)

    def _obtain(self, name: str) -> FetchedImage:
        image = self._lock.images[name]
        override = self._request.overrides.get(name)
        reference = override or self._builder.references[name]
        if found := self._builder.store.find(reference):
            return FetchedImage(name=name, reference=reference, id=found.id)
        sources = self._sources(image, override)
        if not sources:
            raise _not_in_store(image, reference, offline=not self._request.kinds)
        return self._fetch(image, reference, sources, override)

    def _sources(self, image: LockedImage, override: str | None) -> Sequence[Source]:
        kinds = self._request.kinds if image.name in self._request.names else self._request.kinds_of_parents
        if override is None:
            return in_order(image.sources, kinds)
        return in_order([Registry(reference=override)], kinds)

    def _fetch(
        self, image: LockedImage, reference: str, sources: Sequence[Source], override: str | None
    ) -> FetchedImage:
        log, reasons = self._open_log(image.name), []
        for source in sources:
            try:
                stored = self._from(image, source, log)
            except SourceUnavailable as error:
                if self._failure is not None:
                    raise self._failure from error
                reasons.append(f"{source}: {error}")
                log.line(f"{source}: {error}")
                continue
            if override:
                return self._fetched(image, override, stored, source, log)
            self._builder.store.tag(stored.id, local_tag(image.name))
            return self._fetched(image, reference, stored, source, log)
        log.given_up()
        raise unavailable(image, reasons, log)

    def _fetched(
        self, image: LockedImage, reference: str, stored: StoredImage, source: Source, log: BuildLog
    ) -> FetchedImage:
        log.done("built" if isinstance(source, Build) else f"done, from {source}")
        return FetchedImage(
            name=image.name, reference=reference, id=stored.id, source=str(source), seconds=round(log.elapsed, 1)
        )

    def _from(self, image: LockedImage, source: Source, log: BuildLog) -> StoredImage:
        if isinstance(source, Registry):
            return fetch(self._builder, image, source, log)
        if isinstance(source, Build):
            futures = [self._future(parent) for parent in parents(self._lock, image.name)]
            for future in futures:
                future.result()
        group = source.cache if isinstance(source, Build) else ""
        with self._slots.take(priority=self._priority(image.name), group=group):
            if self._failure is not None:
                raise SourceUnavailable("canceled")
            log.begin()
            return fetch(self._builder, image, source, log)

    def _priority(self, name: str) -> int:
        return 0 if name in self._urgent else 1


def _ancestors_of_cached(lock: Lock) -> frozenset[str]:
    """Return the long builds (those with a cache) and their base images, which are started first."""
    found: set[str] = set()
    ahead = [
        name
        for name, image in lock.images.items()
        if any(isinstance(source, Build) and source.cache for source in image.sources)
    ]
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += parents(lock, name)
    return frozenset(found)


def _not_in_store(image: LockedImage, reference: str, *, offline: bool) -> NexusError:
    return ImageUnavailable(
        f"image {image.name} {image.version} is not in the image store",
        why=f"{reference} is missing, and "
        + ("offline mode allows no other source" if offline else "no allowed source provides it"),
        hint="nexusdev images load FILE    or, when online: nexusdev images build",
        code="IMAGE_UNAVAILABLE",
    )
