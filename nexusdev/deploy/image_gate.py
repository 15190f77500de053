"""Lets each service start as soon as its own image is available, while other images are still built."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, field

from nexusdev.errors import ImageUnavailable
from nexusdev.events import Listener, Note
from nexusdev.plan import Step
from nexusdev.stack.model import Stack

if TYPE_CHECKING:
    from nexusdev.images.fetch import FetchedImage
    from nexusdev.images.images import Images


class ImageGate(Struct, kw_only=True):
    """The availability of the images of a plan.

    Attributes:
        absent: Optional service whose image is not available → why.
    """

    absent: dict[str, str] = field(default_factory=dict)
    _present: set[str] = field(default_factory=set)
    _failure: BaseException | None = None
    _expected: set[str] = field(default_factory=set)

    def gate(self, step: Step) -> bool:
        """Return whether the images that a step needs are available."""
        return self._present.issuperset(step.images)

    def pending(self) -> bool:
        """Return whether an image is still being pulled or built."""
        return bool(self._expected - self._present)

    def expect(self, references: Iterable[str]) -> None:
        self._expected |= set(references)

    def check(self) -> None:
        """Raise the error of an image that could not be pulled or built."""
        if self._failure is not None:
            raise self._failure

    def arrived(self, reference: str) -> None:
        self._present.add(reference)

    def fail(self, error: BaseException) -> None:
        self._failure = error


def no_delivery(*_references: str) -> None:
    """Copy nothing: containers are created where the images are."""


def no_check(_reference: str) -> None:
    """Accept an image without a check."""


@contextmanager
def fetching(
    images: Images,
    stack: Stack,
    *,
    offline: bool,
    strict: bool,
    listener: Listener,
    deliver: Callable[..., None] = no_delivery,
    try_with: Callable[[str], None] = no_check,
) -> Iterator[ImageGate]:
    """Pull or build the missing images of these services in the background while the block runs.

    For ``offline`` and for optional services, the availability of an image is known before the block begins.

    Args:
        images: The images of this installation.
        stack: The services.
        offline: Use no registry and build nothing.
        strict: Also fail for a missing image of an optional service.
        listener: Receives progress events.
        deliver: Copies images to where containers are created, by their references. Called before ``try_with``: once with all images that
            exist, then with each on arrival.
        try_with: Checks an image before a container is created from it; gets its reference. Called before the block for images that
            exist, and on arrival for the others. An exception from it ends the command.

    Yields:
        The gate, which knows whether the images of a step are available.

    Raises:
        ImageUnavailable: An image can be neither pulled nor built.
    """
    wanted = names_of(images, stack)
    stored = images.stored(wanted)
    gate = ImageGate(_present={images.resolve([name])[name] for name, image in stored.items() if image})
    if gate._present:
        deliver(*sorted(gate._present))
    for reference in sorted(gate._present):
        try_with(reference)

    def admit(reference: str) -> None:
        deliver(reference)
        try_with(reference)

    missing = [name for name in wanted if stored[name] is None]
    with ExitStack() as stack_of_contexts:
        _try_optional(images, stack, missing, gate, offline=offline, strict=strict, listener=listener, try_with=admit)
        missing = [name for name in missing if images.resolve([name])[name] not in gate._present | _refs(gate, stack)]
        if missing:
            if not offline:
                stack_of_contexts.enter_context(images.building(listener))
            _begin(images, missing, gate, stack_of_contexts, offline=offline, listener=listener, try_with=admit)
        yield gate


def _refs(gate: ImageGate, stack: Stack) -> set[str]:
    return {stack.services[name].image for name in gate.absent}


def _begin(
    images: Images,
    missing: list[str],
    gate: ImageGate,
    contexts: ExitStack,
    *,
    offline: bool,
    listener: Listener,
    try_with: Callable[[str], None],
) -> None:
    def on_ready(fetched: FetchedImage) -> None:
        try_with(fetched.reference)
        gate.arrived(fetched.reference)

    gate.expect(images.resolve(missing).values())
    fetch = images.begin(missing, offline=offline, on_ready=on_ready, listener=listener)
    contexts.callback(fetch.cancel)
    if offline:
        fetch.wait_all()
        return

    def watch() -> None:
        try:
            fetch.wait_all()
        except BaseException as error:  # passed to the thread that runs the plan
            error.add_note(f"in the thread that waits for the images {', '.join(missing)}")
            gate.fail(error)

    threading.Thread(target=watch, name="images", daemon=True).start()


def _try_optional(
    images: Images,
    stack: Stack,
    missing: list[str],
    gate: ImageGate,
    *,
    offline: bool,
    strict: bool,
    listener: Listener,
    try_with: Callable[[str], None],
) -> None:
    """Fetch the images that only optional services use first. A missing one is no failure unless ``strict``."""
    for name in missing:
        reference = images.resolve([name])[name]
        users = [service for service in stack.services.values() if service.image == reference]
        if strict or not users or not all(service.optional for service in users):
            continue
        try:
            images.ensure([name], offline=offline, listener=listener)
        except ImageUnavailable as error:
            for service in users:
                gate.absent[service.name] = error.message
                listener.tell(Note(text=f"{service.name} is skipped: {error.message}", warning=True))
        else:
            try_with(reference)
            gate.arrived(reference)


def names_of(images: Images, stack: Stack) -> tuple[str, ...]:
    """Return the lockfile names of the images that these services use."""
    used = {service.image for service in stack.services.values()}
    return tuple(name for name, reference in images.resolve().items() if reference in used)
