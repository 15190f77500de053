"""images: lists, fetches, saves, loads and verifies the images of the stack."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec.structs import asdict

from nexusdev.context import Context
from nexusdev.errors import Degraded, PreflightFailed
from nexusdev.events import Listener
from nexusdev.images import bundle
from nexusdev.images.fetch import STORE, FetchedImage
from nexusdev.images.images import Images
from nexusdev.images.lockfile import BUILD, REGISTRY, Build, Registry
from nexusdev.images.verify import verify_image
from nexusdev.results import Outcome, Table, Text
from nexusdev.runtimes.image_store import StoredImage
from nexusdev.util.humanize import duration, file_size, pluralize


def listing(context: Context) -> Outcome:
    """Every image of the lock: its version, whether the engine has it, and where it would come from."""
    images = context.images()
    warnings: tuple[str, ...] = ()
    existing: Mapping[str, StoredImage | None] = {}
    try:
        existing = images.stored(images.lock.images)
    except PreflightFailed as error:
        warnings = (f"the engine does not answer; its images are unknown: {error.message}",)
    rows = [_facts(images, name, existing.get(name)) for name in images.lock.images]
    table = Table(columns=("image", "version", "in the store", "size", "sources"), rows=tuple(map(_cells, rows)))
    return Outcome(data={"images": rows}, output=(table,), warnings=warnings)


def build(context: Context, names: Sequence[str] = (), *, prune_cache: bool = False) -> Outcome:
    """Build what is missing and can be built, here; with ``prune_cache``, drop the compiler's caches afterwards."""
    images = context.images()
    existing = images.stored(images.lock.runnable) if not names else {}
    elsewhere = [name for name, found in existing.items() if not found and not images.is_built(name)]
    selected = tuple(names) or tuple(name for name in existing if name not in elsewhere)
    outcome = _get(context, selected, (BUILD,))
    left = (f"{', '.join(elsewhere)} cannot be built locally: use nexusdev images pull",) if elsewhere else ()
    outcome = Outcome(data=outcome.data, output=(*outcome.output, *left))
    return _pruned(images, outcome) if prune_cache else outcome


def pull(context: Context, names: Sequence[str] = ()) -> Outcome:
    """Pull what is missing and has a registry among its sources."""
    images = context.images()
    published = {name for name in images.lock.choose(names) if _registries(images, name)}
    selected = tuple(names) or tuple(name for name in images.lock.runnable if name in published)
    only_here = [name for name in images.lock.choose(names) if name not in published]
    outcome = _get(context, selected, (REGISTRY,))
    left = () if names or not only_here else (f"not in a registry: {', '.join(only_here)}: use nexusdev images build",)
    return Outcome(data=outcome.data, output=(*outcome.output, *left))


def save(context: Context, file: Path, names: Sequence[str] = ()) -> Outcome:
    """One archive with everything that ``up --offline`` needs elsewhere."""
    made = bundle.save(context.images(), file, names)
    output = f"{made.file}: {pluralize(len(made.images), 'image')}, {file_size(made.bytes)}"
    hint = f"on the other machine: nexusdev images load {made.file.name}, then nexusdev up --offline"
    return Outcome(data=_bundle_data(made), output=(output, Text(hint, "dim")))


def load(context: Context, file: Path) -> Outcome:
    """Bring the images of an archive into the store."""
    images = context.images()
    made = bundle.load(images, file)
    stale = bundle.outdated(images, made.images)
    warnings = tuple(
        f"{name} in the archive is not the build that this version of nexusdev needs ({wanted or 'none'})"
        for name, wanted in stale.items()
    )
    return Outcome(
        data=_bundle_data(made),
        output=(f"{pluralize(len(made.images), 'image')} loaded from {file}",),
        warnings=warnings,
    )


def verify(context: Context, names: Sequence[str] = ()) -> Outcome:
    """Compare labels and digests of what is in the store with the lock; exit 4 when something differs."""
    images = context.images()
    existing = images.stored(names)
    verdicts = [
        verify_image(images.lock.images[name], images.resolve([name])[name], found) for name, found in existing.items()
    ]
    rows = tuple(
        (each.name, Text(each.wrong, "bad") if each.wrong else Text("ok", "good"), each.evidence) for each in verdicts
    )
    wrong = [each for each in verdicts if each.wrong]
    error = Degraded(
        f"{pluralize(len(wrong), 'image')} not matching the lockfile",
        hint="nexusdev images build",
        evidence=[f"{each.name}: {each.wrong}" for each in wrong],
    )
    return Outcome(
        data={"images": [{**asdict(each), "ok": not each.wrong} for each in verdicts]},
        output=(Table(columns=("image", "verdict", "evidence"), rows=rows),),
        error=error if wrong else None,
    )


def prune(images: Images) -> dict[str, int]:
    """Drop the cache volumes; name → bytes."""
    dropped = {name: images.store.drop_volume(name) for name in _caches(images)}
    return {name: freed for name, freed in dropped.items() if freed is not None}


def _get(context: Context, names: Iterable[str], kinds: tuple[str, ...]) -> Outcome:
    listener: Listener = context.listener
    fetched = context.images().ensure(names, offline=context.settings.offline, kinds=kinds, listener=listener)
    new = [each for each in fetched if each.source != STORE]
    data = {"images": [asdict(each) for each in fetched], "changed": [each.name for each in new]}
    if not new:
        return Outcome(data=data, output=(f"all {pluralize(len(fetched), 'image')} present; nothing to do",))
    return Outcome(data=data, output=(Table(columns=("image", "took", "reference"), rows=tuple(map(_took, new))),))


def _took(fetched: FetchedImage) -> tuple[str, str, str]:
    return fetched.name, duration(fetched.seconds), fetched.reference


def _pruned(images: Images, outcome: Outcome) -> Outcome:
    freed = prune(images)
    output = [f"removed {name}: {file_size(count)}" for name, count in freed.items()] or ["no build cache to remove"]
    return Outcome(data={**outcome.data, "pruned": freed}, output=(*outcome.output, *output))


def _caches(images: Images) -> tuple[str, ...]:
    sources = [source for image in images.lock.images.values() for source in image.sources]
    return tuple(dict.fromkeys(source.cache for source in sources if isinstance(source, Build) and source.cache))


def _registries(images: Images, name: str) -> bool:
    return any(isinstance(source, Registry) for source in images.lock.images[name].sources)


def _facts(images: Images, name: str, found: StoredImage | None) -> dict[str, object]:
    image = images.lock.images[name]
    return {
        "name": name,
        "version": image.version,
        "reference": images.overrides.get(name, images.references[name]),
        "present": found is not None,
        "id": found.id if found else "",
        "size": found.size if found else 0,
        "internal": image.internal,
        "sources": [str(source) for source in image.sources],
    }


def _cells(facts: Mapping[str, object]) -> tuple[str | Text, ...]:
    present, bytes_, sources = facts["present"], facts["size"], facts["sources"]
    assert isinstance(bytes_, int)  # noqa: S101 - made above
    assert isinstance(sources, list)  # noqa: S101
    return (
        str(facts["name"]),
        str(facts["version"]),
        Text("yes", "good") if present else Text("no", "warn"),
        file_size(bytes_) if present else "",
        ", ".join(sources),
    )


def _bundle_data(made: bundle.Bundle) -> dict[str, object]:
    return {"file": str(made.file), "bytes": made.bytes, "images": [asdict(each) for each in made.images]}
