"""What ``images list``, ``build``, ``pull``, ``push``, ``save``, ``load`` and ``verify`` show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec.structs import asdict

from nexusdev.cli.output import Cell, OutputBlock, Rendered, Table, Text
from nexusdev.images.bundle import Bundle
from nexusdev.images.fetch import FetchedImage
from nexusdev.operations.images import (
    ImageBuildResult,
    ImageListResult,
    ImageLoadResult,
    ImagePullResult,
    ImagePushResult,
    ImageRow,
    ImageSaveResult,
    ImageVerifyResult,
)
from nexusdev.util.humanize import duration, file_size, pluralize


def _list(result: ImageListResult) -> Rendered:
    table = Table(
        columns=("image", "version", "in the store", "size", "sources"), rows=tuple(map(_cells, result.images))
    )
    return Rendered(data={"images": [asdict(each) for each in result.images]}, output=(table,))


def _cells(row: ImageRow) -> tuple[Cell, ...]:
    return (
        row.name,
        row.version,
        Text("yes", "good") if row.present else Text("no", "warn"),
        file_size(row.size) if row.present else "",
        ", ".join(row.sources),
    )


def _build(result: ImageBuildResult) -> Rendered:
    output = [_fetched(result.images, result.changed)]
    if result.unbuildable:
        output.append(f"{', '.join(result.unbuildable)} cannot be built locally: use nexusdev images pull")
    data = _fetched_data(result.images, result.changed)
    if result.pruned is not None:
        data["pruned"] = result.pruned
        freed = [f"removed {name}: {file_size(count)}" for name, count in result.pruned.items()]
        output += freed or ["no build cache to remove"]
    return Rendered(data=data, output=tuple(output))


def _pull(result: ImagePullResult) -> Rendered:
    output = [_fetched(result.images, result.changed)]
    if result.unpublished:
        output.append(f"not in a registry: {', '.join(result.unpublished)}: use nexusdev images build")
    return Rendered(data=_fetched_data(result.images, result.changed), output=tuple(output))


def _push(result: ImagePushResult) -> Rendered:
    data = {
        "registry": result.registry,
        "images": [{**asdict(each), "pinned": each.pinned} for each in result.images],
        "changed": [each.reference for each in result.changed],
        "failed": dict(result.failed),
    }
    if not result.changed and not result.failed:
        words = f"all {pluralize(len(result.images), 'image')} in {result.registry}; nothing to do"
        return Rendered(data=data, output=(words,))
    rows = tuple((each.target, "pushed" if each.sent else "was there", each.digest[:19]) for each in result.images)
    return Rendered(data=data, output=(Table(columns=("image", "", "digest"), rows=rows),))


def _fetched(images: Sequence[FetchedImage], changed: Sequence[FetchedImage]) -> OutputBlock:
    if not changed:
        return f"all {pluralize(len(images), 'image')} present; nothing to do"
    rows = tuple((each.name, duration(each.seconds), each.reference) for each in changed)
    return Table(columns=("image", "took", "reference"), rows=rows)


def _fetched_data(images: Sequence[FetchedImage], changed: Sequence[FetchedImage]) -> dict[str, Any]:
    return {"images": [asdict(each) for each in images], "changed": [each.name for each in changed]}


def _save(result: ImageSaveResult) -> Rendered:
    made = result.bundle
    words = f"{made.file}: {pluralize(len(made.images), 'image')}, {file_size(made.bytes)}"
    hint = f"on the other machine: nexusdev images load {made.file.name}, then nexusdev up --offline"
    return Rendered(data=_bundle(made), output=(words, Text(hint, "dim")))


def _load(result: ImageLoadResult) -> Rendered:
    words = f"{pluralize(len(result.bundle.images), 'image')} loaded from {result.source}"
    return Rendered(data=_bundle(result.bundle), output=(words,))


def _bundle(made: Bundle) -> dict[str, Any]:
    return {"file": str(made.file), "bytes": made.bytes, "images": [asdict(each) for each in made.images]}


def _verify(result: ImageVerifyResult) -> Rendered:
    rows = tuple(
        (each.name, Text(each.wrong, "bad") if each.wrong else Text("ok", "good"), each.evidence)
        for each in result.images
    )
    return Rendered(
        data={"images": [{**asdict(each), "ok": not each.wrong} for each in result.images]},
        output=(Table(columns=("image", "verdict", "evidence"), rows=rows),),
    )


RENDERERS = {
    ImageListResult: _list,
    ImageBuildResult: _build,
    ImagePullResult: _pull,
    ImagePushResult: _push,
    ImageSaveResult: _save,
    ImageLoadResult: _load,
    ImageVerifyResult: _verify,
}
