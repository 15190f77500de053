"""Removes the application's buckets with all versions of their objects, and seeds them again. Backups and buckets of leases stay."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.baseline import Baseline
from nexusdev.components.contract import Change
from nexusdev.components.minio.lease import PREFIX, administrator, bucket_names, remove_bucket, send
from nexusdev.components.minio.names import BACKUPS, SEEDED
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import pluralize


def connected_clients(access: InstanceAccess) -> Sequence[str]:
    """Return none: each request of S3 stands alone."""
    del access
    return ()


def reset_data(access: InstanceAccess, baseline: Baseline) -> Sequence[Change]:
    """Remove the buckets at once, then seed. The record of applied seed files is in the bucket that stays."""
    with administrator(access, "removing the buckets") as client:
        removed = [each for each in bucket_names(client) if each != BACKUPS.name and not each.startswith(PREFIX)]
        for name in removed:
            remove_bucket(client, name)
        send(client, "DELETE", f"/{BACKUPS.name}/{SEEDED}", missing=True)
    baseline.seed()
    return (Change(what=f"emptied {pluralize(len(removed), 'bucket')}"),)
