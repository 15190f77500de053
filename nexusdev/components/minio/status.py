"""The rows of MinIO in ``status``, from the facts of the probe. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.contract import ServiceStatus
from nexusdev.components.minio.readiness import Drive, Facts


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per node; without the cluster's word, nothing is claimed of any of them."""
    seen = {drive.node: drive for drive in facts.drives}
    return tuple(_row(name, seen.get(name), facts.trouble) for name in facts.nodes)


def _row(name: str, drive: Drive | None, trouble: str) -> ServiceStatus:
    if drive is None:
        return ServiceStatus(service=name, state="unknown", detail=trouble)
    detail = f"{drive.free_bytes / 2**30:.0f} GiB free" if drive.free_bytes else ""
    return ServiceStatus(service=name, role="drive", state=drive.state, detail=detail, ok=drive.online)
