"""Readiness of MinIO: a healthy cluster, every drive online, and a test object written, read and removed.

``assess`` decides and is pure; ``prepare`` makes the bucket of the test object.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from msgspec import Struct, field

from nexusdev.components.contract import Readiness
from nexusdev.components.minio.names import BACKUPS, ROLE, root
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import join_names

NO_BUCKET = "NoSuchBucket"
NO_QUORUM = "the cluster does not accept writes"


class Drive(Struct, frozen=True, kw_only=True):
    """A node and its drive as the cluster sees them."""

    node: str
    online: bool
    state: str
    free_bytes: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """What was seen.

    Attributes:
        nodes: Every node of the stack.
        trouble: Why the cluster takes no writes, '' when it is healthy.
        drives: One per node; empty if the cluster did not list them.
        canaries: By the name it was asked at: '' when the test object came and went, else the error's code; empty where none
            was written.
    """

    nodes: tuple[str, ...] = ()
    trouble: str = ""
    drives: tuple[Drive, ...] = ()
    canaries: Mapping[str, str] = field(default_factory=dict)


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. Seedable with a write quorum of drives."""
    lost = "; ".join(f"{drive.node} is {drive.state}" for drive in facts.drives if not drive.online)
    if facts.trouble:
        return Readiness(
            missing=f"{facts.trouble}: {lost}" if lost and facts.trouble.startswith(NO_QUORUM) else facts.trouble
        )
    if NO_BUCKET in facts.canaries.values():
        return Readiness(missing="the bucket for the test object does not exist yet")
    if refused := facts.canaries.get(ROLE):
        return Readiness(missing=f"failed to write a test object: {refused}")
    if lost:
        return Readiness(missing=lost, seedable=True)
    if len(facts.drives) < len(facts.nodes):
        return Readiness(missing=f"{len(facts.drives)} of {len(facts.nodes)} drives are online", seedable=True)
    refusing = [f"{name} ({code})" for name, code in facts.canaries.items() if code]
    verb = "does" if len(refusing) == 1 else "do"
    return Readiness(
        missing=f"{join_names(refusing)} {verb} not accept writes yet" if refusing else "", seedable=bool(refusing)
    )


def prepare(access: InstanceAccess, facts: Facts) -> None:
    """The test object needs a bucket: the one that applications do not see. Twice is the same as once; a failure shows in the next look."""
    if NO_BUCKET in facts.canaries.values():
        with suppress(OSError):
            root(access).request("PUT", f"/{BACKUPS.name}")
