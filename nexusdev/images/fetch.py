"""One image from one of its sources: pulled and checked against its contract, built, or made by debootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nexusdev.errors import ImageUnavailable, PreflightFailed
from nexusdev.images.build import Maker, Refused, prove
from nexusdev.images.journal import Journal
from nexusdev.images.lock import Build, Debootstrap, LockedImage, Registry, Source, kind
from nexusdev.runtimes.image_door import StoredImage


def in_order(sources: Iterable[Source], kinds: Sequence[str]) -> tuple[Source, ...]:
    """The sources of the wanted kinds, in the order of the kinds and then of the lock."""
    return tuple(source for wanted in kinds for source in sources if kind(source) == wanted)


def fetch(maker: Maker, image: LockedImage, source: Source, journal: Journal) -> StoredImage:
    """Bring the image into the store, under its own tag. Raises Refused: this source cannot deliver."""
    match source:
        case Registry():
            return _pull(maker, image, source, journal)
        case Build():
            return maker.build(image, source, journal)
        case Debootstrap():
            return maker.debootstrap(image, source, journal)


def _pull(maker: Maker, image: LockedImage, source: Registry, journal: Journal) -> StoredImage:
    journal.step(f"pull {source.reference}")
    try:
        pulled = maker.door.pull(source.reference, source.digest, journal.line)
        return _adopt(maker, image, source, pulled, journal)
    except ImageUnavailable as error:
        raise Refused(error.why or error.message) from error
    except PreflightFailed as error:
        if error.code != "ENGINE_REFUSED":
            raise
        raise Refused(f"it cannot be run: {error.message}") from error


def _adopt(maker: Maker, image: LockedImage, source: Registry, pulled: StoredImage, journal: Journal) -> StoredImage:
    """A pulled image gets our tag once it is seen to keep the contract; where names differ, with links in a layer of its own."""
    reference = maker.references[image.name]
    with maker.workshop(pulled.id, f"{image.name}-check") as workshop:
        for name, theirs in source.links.items():
            script = f'mkdir -p /usr/local/bin && ln -s "$(command -v {theirs})" /usr/local/bin/{name}'
            workshop.run(script, user="0", folder="/", environment={}, say=journal.line)
        prove(image, workshop, journal)
        if source.links:
            return workshop.commit(reference, ["USER 10001:10001"], maker.labels(image))
    maker.door.tag(pulled.id, reference)
    return pulled
