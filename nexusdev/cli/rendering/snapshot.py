"""What the ``snapshot`` commands show."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from nexusdev.cli.output import Rendered, Table
from nexusdev.instance.snapshots import DataSnapshot
from nexusdev.operations.snapshot import (
    SnapshotExportResult,
    SnapshotListResult,
    SnapshotRemoveResult,
    SnapshotSaveResult,
    SnapshotShowResult,
)
from nexusdev.operations.snapshot_restore import SnapshotRestoreResult
from nexusdev.util.humanize import duration, file_size, join_names, pluralize


def _save(result: SnapshotSaveResult) -> Rendered:
    found = result.snapshot
    return Rendered(
        data={"snapshot": _data(found), "seconds": result.seconds},
        output=(
            f"saved snapshot {found.name} ({file_size(found.size)}) in {duration(result.seconds)}; {_held(found)}",
            f"nexusdev snapshot restore {found.name}",
        ),
    )


def _list(result: SnapshotListResult) -> Rendered:
    rows = tuple(
        (each.name, _time(each), file_size(each.size), each.manifest.instance, each.manifest.nexusdev)
        for each in result.snapshots
    )
    return Rendered(
        data={"snapshots": [_data(each) for each in result.snapshots]},
        output=(
            Table(columns=("snapshot", "saved", "size", "of instance", "by nexusdev"), rows=rows)
            if rows
            else "no snapshots",
        ),
    )


def _show(result: SnapshotShowResult) -> Rendered:
    found = result.snapshot
    rows = tuple(
        (name, file_size(each.size), file_size(each.compressed)) for name, each in found.manifest.volumes.items()
    )
    images = ", ".join(f"{name} {version}" for name, version in found.manifest.images.items())
    return Rendered(
        data={"snapshot": _data(found), "verified": True},
        output=(
            f"snapshot {found.name} of instance {found.manifest.instance}, saved {_time(found)} by nexusdev "
            f"{found.manifest.nexusdev} ({found.manifest.runtime})",
            f"{found.folder}: {file_size(found.size)}, all checksums are right; {_held(found)}",
            f"images: {images}",
            Table(columns=("volume", "size", "compressed"), rows=rows),
        ),
    )


def _restore(result: SnapshotRestoreResult) -> Rendered:
    found = result.snapshot
    verb = "finished the restore of" if result.finished else "restored"
    return Rendered(
        data={
            "snapshot": _data(found),
            "ready": list(result.ready),
            "finished": result.finished,
            "seconds": result.seconds,
        },
        output=(
            f"{verb} snapshot {found.name} of {_time(found)}; {join_names(result.ready)} ready after "
            f"{duration(result.seconds)}",
        ),
    )


def _export(result: SnapshotExportResult) -> Rendered:
    return Rendered(
        data={"snapshot": _data(result.snapshot), "file": str(result.file), "size": result.size},
        output=(f"wrote {result.file} ({file_size(result.size)})", f"nexusdev snapshot restore {result.file}"),
    )


def _remove(result: SnapshotRemoveResult) -> Rendered:
    words = f"removed {pluralize(len(result.removed), 'snapshot')}: {', '.join(result.removed)}"
    return Rendered(data={"removed": list(result.removed)}, output=(words,))


def _held(snapshot: DataSnapshot) -> str:
    held = snapshot.manifest.held
    return f"writes were held for {duration(held)}" if held else "nothing ran meanwhile"


def _time(snapshot: DataSnapshot) -> str:
    return datetime.fromtimestamp(snapshot.manifest.created, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _data(snapshot: DataSnapshot) -> dict[str, Any]:
    manifest = snapshot.manifest
    return {
        "name": snapshot.name,
        "folder": str(snapshot.folder),
        "size": snapshot.size,
        "instance": manifest.instance,
        "created": datetime.fromtimestamp(manifest.created, UTC).isoformat(timespec="seconds"),
        "nexusdev": manifest.nexusdev,
        "runtime": manifest.runtime,
        "held_seconds": manifest.held,
        "images": dict(manifest.images),
        "volumes": {
            name: {"size": each.size, "compressed": each.compressed} for name, each in manifest.volumes.items()
        },
    }


RENDERERS = {
    SnapshotSaveResult: _save,
    SnapshotListResult: _list,
    SnapshotShowResult: _show,
    SnapshotRestoreResult: _restore,
    SnapshotExportResult: _export,
    SnapshotRemoveResult: _remove,
}
