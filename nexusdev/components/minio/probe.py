"""Asks MinIO for its health and its drives, and writes a test object where writes are tested.

The test object is written while something waits for the store, and never by ``status``: MinIO reports itself as healthy while it
refuses writes, and offers no other way to know. It goes through the gateway, as applications do, and (except the reading) through
each node: the cluster reports itself as healthy while a node that started before its peers still refuses writes, because it looks
for their drives every 15 s only.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from nexusdev.components.https_connection import Response, get
from nexusdev.components.minio.light_client import S3Client, error_code
from nexusdev.components.minio.names import API, BACKUPS, CANARY, ROLE, nodes, root, write_quorum
from nexusdev.components.minio.readiness import NO_QUORUM, Drive, Facts
from nexusdev.interfaces import InstanceAccess
from nexusdev.util.parallel import together

_OK = 200
_DRIVES = "drives of the cluster"
_STARTING = {
    "offline": "the nodes have not found each other's drives yet",
    "bucket-metadata-offline": "the nodes have not read the buckets' settings yet",
    "iam-offline": "the nodes have not read users and policies yet",
}


def probe(access: InstanceAccess, *, test_writes: bool = False) -> Facts:
    """Ask for the health of the cluster; for its drives if it is healthy, else each node for its own state.

    Args:
        access: The instance.
        test_writes: Also write, read and remove a test object, at the gateway and at each node.
    """
    try:
        health = get(access.address(ROLE, API), "/minio/health/cluster", access=access)
    except OSError:
        return _troubled(access, f"{ROLE} does not answer")
    if trouble := _starting(health):
        return _troubled(access, trouble)
    if health.status != _OK:
        return _troubled(access, f"{NO_QUORUM} (it needs {write_quorum(access)} drives)")
    client, names = root(access), nodes(access)
    if not test_writes:
        return Facts(nodes=names, drives=_named(names, _drives(client)))
    places = {name: replace(client, address=access.address(name, API)) for name in (ROLE, *names)}
    drives, canaries = _drives_and_canaries(client, places)
    return Facts(nodes=names, drives=_named(names, drives), canaries=canaries)


def _named(nodes: Sequence[str], drives: Sequence[Drive]) -> tuple[Drive, ...]:
    """Name the drive of a single node, which lists itself by its address."""
    return tuple(replace(drive, node=nodes[0]) for drive in drives) if len(nodes) == 1 else tuple(drives)


def _troubled(access: InstanceAccess, trouble: str) -> Facts:
    """Ask each node at its own port: what the cluster reports about dead members comes late or not at all."""
    names = nodes(access)
    drives = together({name: partial(_alone, access, name) for name in names})
    return Facts(nodes=names, trouble=trouble, drives=tuple(drives.values()))


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
    """The drives that the cluster lists; none if it lists nothing."""
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


def _drives_and_canaries(
    client: S3Client, places: Mapping[str, S3Client]
) -> tuple[tuple[Drive, ...], Mapping[str, str]]:
    """The drives and every test object, all asked at once."""
    questions: dict[str, Callable[[], tuple[Drive, ...] | str]] = {
        _DRIVES: partial(_drives, client),
        **{name: partial(_canary, place, read=name == ROLE) for name, place in places.items()},
    }
    answers = together(questions)
    drives = tuple(drive for each in answers.values() if not isinstance(each, str) for drive in each)
    return drives, {name: each for name, each in answers.items() if isinstance(each, str)}


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
