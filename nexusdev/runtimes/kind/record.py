"""What was last seen in a cluster, kept in the state folder: a stopped node cannot be asked."""

from __future__ import annotations

from pathlib import Path

import msgspec

from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.util.files import replace

_NAME = "snapshot.json"


def read(folder: Path) -> ClusterSnapshot | None:
    """Return what was seen last; None if there is no record, or one that cannot be read.

    Args:
        folder: The folder of the cluster's files.
    """
    try:
        return msgspec.json.decode((folder / _NAME).read_bytes(), type=ClusterSnapshot)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return None


def write(folder: Path, seen: ClusterSnapshot) -> None:
    """Keep what was seen. Does nothing without the folder: then there is no cluster."""
    if folder.is_dir():
        replace(folder / _NAME, msgspec.json.encode(seen).decode())


def forget(folder: Path) -> None:
    """Remove the record, because a change makes it wrong."""
    (folder / _NAME).unlink(missing_ok=True)
