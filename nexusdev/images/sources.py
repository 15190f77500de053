"""Fetches one image from one source: pulls it and checks its contract, builds it, or creates it with debootstrap."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nexusdev.errors import ImageUnavailable, RuntimeRefused
from nexusdev.images.build_log import BuildLog
from nexusdev.images.builder.build import ImageBuilder, SourceUnavailable, prove
from nexusdev.images.lockfile import Build, Debootstrap, LockedImage, Registry, Source, kind
from nexusdev.runtimes.image_store import StoredImage


def in_order(sources: Iterable[Source], kinds: Sequence[str]) -> tuple[Source, ...]:
    """Return the sources of the given kinds, in the order of the kinds and then of the lockfile."""
    return tuple(source for wanted in kinds for source in sources if kind(source) == wanted)


def fetch(builder: ImageBuilder, image: LockedImage, source: Source, log: BuildLog) -> StoredImage:
    """Fetch the image from a source into the store, under its own tag.

    Args:
        builder: Builds images on this machine.
        image: The image.
        source: The source to use.
        log: Receives the steps and the output.

    Raises:
        SourceUnavailable: This source cannot deliver the image.
    """
    match source:
        case Registry():
            return _pull(builder, image, source, log)
        case Build():
            return builder.build(image, source, log)
        case Debootstrap():
            return builder.debootstrap(image, source, log)


def _pull(builder: ImageBuilder, image: LockedImage, source: Registry, log: BuildLog) -> StoredImage:
    log.step(f"pull {source.reference}")
    try:
        pulled = builder.store.pull(source.reference, source.digest, log.line)
        return _adopt(builder, image, source, pulled, log)
    except ImageUnavailable as error:
        raise SourceUnavailable(error.why or error.message) from error
    except RuntimeRefused as error:
        raise SourceUnavailable(f"failed to run it: {error.message}") from error


def _adopt(
    builder: ImageBuilder, image: LockedImage, source: Registry, pulled: StoredImage, log: BuildLog
) -> StoredImage:
    """Tag a pulled image after its check. If program names differ, links are added in a layer."""
    reference = builder.references[image.name]
    with builder.container(pulled.id, f"{image.name}-check") as container:
        for name, theirs in source.links.items():
            script = f'mkdir -p /usr/local/bin && ln -s "$(command -v {theirs})" /usr/local/bin/{name}'
            container.run(script, user="0", folder="/", environment={}, say=log.line)
        prove(image, container, log)
        if source.links:
            return container.commit(reference, ["USER 10001:10001"], builder.labels(image))
    builder.store.tag(pulled.id, reference)
    return pulled
