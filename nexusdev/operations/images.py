"""images: lists, fetches, pushes, saves, loads and verifies the images of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.context import Context
from nexusdev.errors import Degraded, ImageUnavailable, InvalidConfig, PreflightFailed
from nexusdev.events import Note
from nexusdev.images import bundle
from nexusdev.images.bundle import Bundle
from nexusdev.images.fetch import STORE, FetchedImage
from nexusdev.images.images import Images
from nexusdev.images.lockfile import BUILD, REGISTRY, Build, Registry
from nexusdev.images.verify import ImageVerification, verify_image
from nexusdev.results import Result
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.runtimes.published_images import PublishedImage, PublishedImages
from nexusdev.settings import checked
from nexusdev.util.humanize import pluralize
from nexusdev.util.parallel import together

# A push mostly waits for the registry; the engine sends several layers of each at once.
_PUSHES = 4


class ImageRow(Struct, frozen=True, kw_only=True):
    """One image of the lockfile.

    Attributes:
        name: Its name in the lockfile.
        version: Its version.
        reference: Its reference in the engine.
        present: Whether the engine has it.
        id: Its id in the engine; '' if it is not present.
        size: In bytes; 0 if it is not present.
        internal: Whether only builds use it.
        sources: Where it can be fetched from, in order.
    """

    name: str
    version: str
    reference: str
    present: bool
    id: str
    size: int
    internal: bool
    sources: tuple[str, ...]


class ImageListResult(Result, frozen=True, kw_only=True):
    """Every image of the lockfile."""

    images: tuple[ImageRow, ...]


class ImageBuildResult(Result, frozen=True, kw_only=True):
    """The requested images.

    Attributes:
        images: Each image, with its source.
        unbuildable: Missing images that cannot be built on this machine.
        pruned: Volume of the build cache → bytes that its removal freed; None if the cache was not pruned.
    """

    images: tuple[FetchedImage, ...]
    unbuildable: tuple[str, ...] = ()
    pruned: Mapping[str, int] | None = None

    @property
    def changed(self) -> tuple[FetchedImage, ...]:
        """The images that were not in the engine's store before."""
        return tuple(each for each in self.images if each.source != STORE)


class ImagePullResult(Result, frozen=True, kw_only=True):
    """The requested images.

    Attributes:
        images: Each image, with its source.
        unpublished: Images that no registry has.
    """

    images: tuple[FetchedImage, ...]
    unpublished: tuple[str, ...] = ()

    @property
    def changed(self) -> tuple[FetchedImage, ...]:
        """The images that were not in the engine's store before."""
        return tuple(each for each in self.images if each.source != STORE)


class ImagePushResult(Result, frozen=True, kw_only=True):
    """The images in the registry.

    Attributes:
        registry: The registry.
        images: Each image, with its name and digest there.
        failed: Reference of each image that could not be pushed → why.
    """

    registry: str
    images: tuple[PublishedImage, ...]
    failed: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> tuple[PublishedImage, ...]:
        """The images that the registry did not have before."""
        return tuple(each for each in self.images if each.sent)


class ImageSaveResult(Result, frozen=True, kw_only=True):
    """The archive that was written."""

    bundle: Bundle


class ImageLoadResult(Result, frozen=True, kw_only=True):
    """The archive whose images were loaded."""

    bundle: Bundle
    source: Path


class ImageVerifyResult(Result, frozen=True, kw_only=True):
    """The verdict on each image; ``error`` is a Degraded if one differs from the lockfile."""

    images: tuple[ImageVerification, ...]


def listing(context: Context) -> ImageListResult:
    """Return every image of the lockfile: its version, whether the engine has it, and its sources."""
    images = context.images()
    warnings: tuple[str, ...] = ()
    existing: Mapping[str, StoredImage | None] = {}
    try:
        existing = images.stored(images.lock.images)
    except PreflightFailed as error:
        warnings = (f"the runtime does not answer; its images are unknown: {error.message}",)
    rows = tuple(_row(images, name, existing.get(name)) for name in images.lock.images)
    return ImageListResult(images=rows, warnings=warnings)


def build(context: Context, names: Sequence[str] = (), *, prune_cache: bool = False) -> ImageBuildResult:
    """Build the missing images that can be built on this machine.

    Args:
        context: The context of the command.
        names: Names in the lockfile; empty for all runnable images.
        prune_cache: Remove the compiler caches afterwards.

    Raises:
        ImageUnavailable: An image cannot be built.
    """
    images = context.images()
    existing = images.stored(images.lock.runnable) if not names else {}
    elsewhere = tuple(name for name, found in existing.items() if not found and not images.is_built(name))
    selected = tuple(names) or tuple(name for name in existing if name not in elsewhere)
    result = ImageBuildResult(images=_get(context, selected, (BUILD,)), unbuildable=elsewhere)
    return replace(result, pruned=prune(images)) if prune_cache else result


def pull(context: Context, names: Sequence[str] = ()) -> ImagePullResult:
    """Pull the missing images that have a registry among their sources."""
    images = context.images()
    published = {name for name in images.lock.choose(names) if _registries(images, name)}
    selected = tuple(names) or tuple(name for name in images.lock.runnable if name in published)
    only_here = tuple(name for name in images.lock.choose(names) if name not in published)
    return ImagePullResult(images=_get(context, selected, (REGISTRY,)), unpublished=() if names else only_here)


def push(context: Context, registry: str = "", names: Sequence[str] = ()) -> ImagePushResult:
    """Push the images to a registry, several at once. Images and layers that it has are not sent again.

    Args:
        context: The context of the command.
        registry: ``host[:port][/path]``; '' for the setting ``registry``.
        names: Names in the lockfile; empty for all runnable images.

    Returns:
        The images and their digests. ``error`` is an ImageUnavailable if some could not be pushed.

    Raises:
        InvalidConfig: The registry is no valid name, or none is set.
        ImageUnavailable: An image is not in the store and cannot be fetched.
    """
    where = _registry(context, registry)
    images = context.images()
    fetched = images.ensure(names, offline=context.settings.offline, listener=context.listener)
    published = PublishedImages(root=context.root)
    done = together(
        {each.reference: partial(_push, context, published, each, where) for each in fetched}, limit=_PUSHES
    )
    failed = {
        reference: each.why or each.message for reference, each in done.items() if isinstance(each, ImageUnavailable)
    }
    errors = [each for each in done.values() if isinstance(each, ImageUnavailable)]
    error = (
        ImageUnavailable(
            f"{pluralize(len(errors), 'image')} of {len(done)} could not be pushed to {where}",
            why=errors[0].why or errors[0].message,
            hint=errors[0].hint or f"nexusdev images push {where}   try again: what is there is not sent again",
            evidence=[each.message for each in errors],
        )
        if errors
        else None
    )
    pushed = tuple(each for each in done.values() if isinstance(each, PublishedImage))
    return ImagePushResult(registry=where, images=pushed, failed=failed, error=error)


def _registry(context: Context, given: str) -> str:
    wanted = given or context.settings.registry
    if not wanted:
        raise InvalidConfig(
            "a registry is needed",
            why="none is given, and the setting registry has no value",
            hint="nexusdev images push registry.example.com:5000/team",
        )
    valid: str = checked("registry", wanted, origin="REGISTRY")
    return valid


def _push(
    context: Context, published: PublishedImages, image: FetchedImage, registry: str
) -> PublishedImage | ImageUnavailable:
    """Push one image. A failure does not end the others."""
    try:
        done = published.publish(lambda: context.images().store, image.reference, registry, lambda _: None)
    except ImageUnavailable as error:
        return error
    context.listener.tell(Note(text=f"{image.name}: {'pushed' if done.sent else 'already there'} as {done.target}"))
    return done


def save(context: Context, file: Path, names: Sequence[str] = ()) -> ImageSaveResult:
    """Write one archive with all images that ``up --offline`` needs on another machine.

    Args:
        context: The context of the command.
        file: The archive; a name that ends in .gz is compressed.
        names: Lockfile names; empty for all runnable images.

    Raises:
        ImageUnavailable: An image is not in the store.
    """
    return ImageSaveResult(bundle=bundle.save(context.images(), file, names))


def load(context: Context, file: Path) -> ImageLoadResult:
    """Load the images of an archive into the store."""
    images = context.images()
    made = bundle.load(images, file)
    stale = bundle.outdated(images, made.images)
    warnings = tuple(
        f"{name} in the archive is not the build that this version of nexusdev needs ({wanted or 'none'})"
        for name, wanted in stale.items()
    )
    return ImageLoadResult(bundle=made, source=file, warnings=warnings)


def verify(context: Context, names: Sequence[str] = ()) -> ImageVerifyResult:
    """Compare labels and digests of the stored images with the lockfile. ``error`` is a Degraded (exit 4) if one differs."""
    images = context.images()
    existing = images.stored(names)
    verdicts = tuple(
        verify_image(images.lock.images[name], images.resolve([name])[name], found) for name, found in existing.items()
    )
    wrong = [each for each in verdicts if each.wrong]
    error = Degraded(
        f"{pluralize(len(wrong), 'image')} not matching the lockfile",
        hint="nexusdev images build",
        evidence=[f"{each.name}: {each.wrong}" for each in wrong],
    )
    return ImageVerifyResult(images=verdicts, error=error if wrong else None)


def prune(images: Images) -> dict[str, int]:
    """Remove the cache volumes. Returns name → freed bytes."""
    dropped = {name: images.store.drop_volume(name) for name in _caches(images)}
    return {name: freed for name, freed in dropped.items() if freed is not None}


def _get(context: Context, names: Iterable[str], kinds: tuple[str, ...]) -> tuple[FetchedImage, ...]:
    offline, listener = context.settings.offline, context.listener
    return tuple(context.images().ensure(names, offline=offline, kinds=kinds, listener=listener))


def _caches(images: Images) -> tuple[str, ...]:
    sources = [source for image in images.lock.images.values() for source in image.sources]
    return tuple(dict.fromkeys(source.cache for source in sources if isinstance(source, Build) and source.cache))


def _registries(images: Images, name: str) -> bool:
    return any(isinstance(source, Registry) for source in images.lock.images[name].sources)


def _row(images: Images, name: str, found: StoredImage | None) -> ImageRow:
    image = images.lock.images[name]
    return ImageRow(
        name=name,
        version=image.version,
        reference=images.overrides.get(name, images.references[name]),
        present=found is not None,
        id=found.id if found else "",
        size=found.size if found else 0,
        internal=image.internal,
        sources=tuple(str(source) for source in image.sources),
    )
