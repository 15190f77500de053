"""Readiness of the object store: a healthy cluster, four drives online, and a test object written, read and removed.

The test object is written by whoever waits for the store and by nobody else: MinIO calls itself healthy while it refuses writes, and offers
no other way to know. It goes through the gateway, as applications do, and (but for the reading) through each node: the cluster calls itself healthy
while a node that started before its peers still refuses to write (it looks for their drives every 15 s only).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from msgspec import Struct, field
from msgspec.structs import replace

from nexusdev.components.contract import Readiness, ServiceStatus
from nexusdev.components.https_connection import Response, get
from nexusdev.components.minio.light_client import S3Client, error_code
from nexusdev.components.minio.names import API, BACKUPS, CANARY, NODES, ROLE, WRITE_QUORUM, root
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.humanize import join_names
from nexusdev.util.parallel import together

NO_BUCKET = "NoSuchBucket"
_OK = 200
_NO_QUORUM = f"the cluster does not accept writes (it needs {WRITE_QUORUM} drives)"
_STARTING = {
    "offline": "the nodes have not found each other's drives yet",
    "bucket-metadata-offline": "the nodes have not read the buckets' settings yet",
    "iam-offline": "the nodes have not read users and policies yet",
}


class Drive(Struct, frozen=True, kw_only=True):
    """A node and its drive as the cluster sees them."""

    node: str
    online: bool
    state: str
    free_bytes: int = 0


class Facts(Struct, frozen=True, kw_only=True):
    """What was seen.

    trouble   why the cluster takes no writes, '' when it is healthy
    drives    by node; empty when the cluster did not tell
    canaries  by the name it was asked at: '' when the test object came and went, else the error's code; empty where none was written
    """

    trouble: str = ""
    drives: tuple[Drive, ...] = ()
    canaries: Mapping[str, str] = field(default_factory=dict)


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:
    """Ask for the cluster's health; for more only when it is well, for each node when it is not.

    ``test_writes``: write, read and remove a test object, too, at the gateway and at each node.
    """
    try:
        health = get(access.address(ROLE, API), "/minio/health/cluster", access=access)
    except OSError:
        return Facts(trouble=f"{ROLE} does not answer", drives=_one_by_one(access))
    if trouble := _starting(health):
        return Facts(trouble=trouble, drives=_one_by_one(access))
    if health.status != _OK:
        return Facts(trouble=_NO_QUORUM, drives=_one_by_one(access))
    client = root(access)
    if not test_writes:
        return Facts(drives=_drives(client))
    places = {name: replace(client, address=access.address(name, API)) for name in (ROLE, *NODES)}
    drives, canaries = _all(client, places)
    return Facts(drives=drives, canaries=canaries)


def assess(facts: Facts) -> Readiness:
    """Decide from the facts. Pure. With three drives everything can be written: good enough to seed."""
    lost = "; ".join(f"{drive.node} is {drive.state}" for drive in facts.drives if not drive.online)
    if facts.trouble:
        return Readiness(missing=f"{facts.trouble}: {lost}" if lost and facts.trouble == _NO_QUORUM else facts.trouble)
    if NO_BUCKET in facts.canaries.values():
        return Readiness(missing="the bucket for the test object does not exist yet")
    if refused := facts.canaries.get(ROLE):
        return Readiness(missing=f"failed to write a test object: {refused}")
    if lost:
        return Readiness(missing=lost, seedable=True)
    if len(facts.drives) < len(NODES):
        return Readiness(missing=f"{len(facts.drives)} of {len(NODES)} drives are online", seedable=True)
    refusing = [f"{name} ({code})" for name, code in facts.canaries.items() if code]
    verb = "does" if len(refusing) == 1 else "do"
    return Readiness(
        missing=f"{join_names(refusing)} {verb} not accept writes yet" if refusing else "", seedable=bool(refusing)
    )


def statuses(facts: Facts) -> Sequence[ServiceStatus]:
    """One row per node; without the cluster's word, nothing is claimed of any of them."""
    seen = {drive.node: drive for drive in facts.drives}
    return tuple(_row(name, seen.get(name), facts.trouble) for name in NODES)


def prepare(access: InstanceAccess, facts: Facts) -> None:
    """The test object needs a bucket: the one that applications do not see. Twice is the same as once; a failure shows in the next look."""
    if NO_BUCKET in facts.canaries.values():
        with suppress(OSError):
            root(access).request("PUT", f"/{BACKUPS.name}")


def _row(name: str, drive: Drive | None, trouble: str) -> ServiceStatus:
    if drive is None:
        return ServiceStatus(service=name, state="unknown", detail=trouble)
    detail = f"{drive.free_bytes / 2**30:.0f} GiB free" if drive.free_bytes else ""
    return ServiceStatus(service=name, role="drive", state=drive.state, detail=detail, ok=drive.online)


def _one_by_one(access: InstanceAccess) -> tuple[Drive, ...]:
    """Which nodes are there, asked at their own ports: what the cluster says of dead members comes late or not at all."""
    return tuple(together({name: lambda name=name: _alone(access, name) for name in NODES}).values())  # type: ignore[misc]


def _alone(access: InstanceAccess, name: str) -> Drive:
    try:
        answer = get(access.address(name, API), "/minio/health/live", access=access, timeout=1)
    except OSError:
        return Drive(node=name, online=False, state="offline")
    online = answer.status == _OK and not answer.headers.get("x-minio-server-status")
    return Drive(node=name, online=online, state="online" if online else "starting")


def _starting(health: Response) -> str:
    status = health.headers.get("x-minio-server-status", "")
    return _STARTING.get(status, f"the node answered {status}") if status else ""


def _drives(client: S3Client) -> tuple[Drive, ...]:
    """The drives by the cluster's own list; none when it does not tell."""
    try:
        response = client.request("GET", "/minio/admin/v3/info")
        return parse_info(response.json()) if response.status == _OK else ()
    except (OSError, ValueError):
        return ()


def parse_info(reply: object) -> tuple[Drive, ...]:
    """The drives in the reply of ``/minio/admin/v3/info``, sorted by node."""
    servers = reply.get("servers") or [] if isinstance(reply, dict) else []
    return tuple(sorted((_drive(server) for server in servers), key=lambda drive: drive.node))


def _drive(server: dict[str, object]) -> Drive:
    name = str(server.get("endpoint", "")).partition(":")[0]
    disks = server.get("drives")
    first = disks[0] if isinstance(disks, list) and disks else {}
    state, present = str(first.get("state", "")), str(server.get("state", ""))
    if present != "online":
        return Drive(node=name, online=False, state=present or "offline")
    if state != "ok":
        return Drive(node=name, online=False, state=f"online, its drive is {state or 'missing'}")
    if first.get("healing"):
        return Drive(node=name, online=False, state="healing", free_bytes=int(first.get("availspace", 0)))
    return Drive(node=name, online=True, state="online", free_bytes=int(first.get("availspace", 0)))


def _all(client: S3Client, places: Mapping[str, S3Client]) -> tuple[tuple[Drive, ...], Mapping[str, str]]:
    """The drives and every test object, all asked at once."""
    with ThreadPoolExecutor(1 + len(places)) as threads:
        drives = threads.submit(_drives, client)
        canaries = {name: threads.submit(_canary, place, read=name == ROLE) for name, place in places.items()}
        return drives.result(), {name: canary.result() for name, canary in canaries.items()}


def _canary(client: S3Client, *, read: bool) -> str:
    """Write, read and remove one object, its version too; the code of the first refusal, '' when all went well.

    A node that writes has found three drives, and two are enough to read: only what applications use is read from as well.
    """
    path, content = f"/{BACKUPS.name}/{CANARY}/{uuid.uuid4().hex}", uuid.uuid4().bytes
    try:
        with client.keep_alive() as kept:
            put = kept.request("PUT", path, body=content)
            if put.status != _OK:
                return error_code(put)
            got = kept.request("GET", path) if read else None
            version = put.headers.get("x-amz-version-id", "")
            removed = kept.request("DELETE", path, query={"versionId": version} if version else None)
    except OSError as error:
        return str(error) or type(error).__name__
    if got and (got.status != _OK or got.body != content):
        return error_code(got) if got.status != _OK else "the content read back differs"
    return "" if removed.status in (_OK, 204) else error_code(removed)
