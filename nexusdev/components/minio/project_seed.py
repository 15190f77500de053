"""Puts the project's objects ``seed/minio/<bucket>/<path>``, each once per content.

The store records what was put, so that an object that the application changed or removed afterwards is left alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from mimetypes import guess_type

from nexusdev.components.contract import Change, SeedFile
from nexusdev.components.minio import desired_state
from nexusdev.components.minio.client import Clients, refusals
from nexusdev.components.minio.names import APP_ACCESS, BACKUPS, BUCKETS, NAME, PROJECT_POLICY, SEEDED, root
from nexusdev.components.minio.seed import OK, Gap, ask, attach_gaps, bucket_gaps, close, policy_gaps, put
from nexusdev.errors import SeedingFailed
from nexusdev.interfaces import InstanceAccess

_OURS = frozenset(bucket.name for bucket in BUCKETS)


def apply(access: InstanceAccess, files: Sequence[SeedFile]) -> Sequence[Change]:
    """Put what was not put yet, make the buckets that it needs, and let the application see them."""
    places = {file: place(file) for file in files}
    if not places:
        return ()
    client = root(access)
    record = _record(access)
    fresh = [file for file in places if record.get(file.path) != file.sha256]
    buckets = sorted({bucket for bucket, _ in places.values()} - _OURS)
    gaps = [*_bucket_gaps(access, buckets)]
    for file in fresh:
        bucket, name = places[file]
        gaps.append(Gap(what=f"put {file.path}", close=_putting(bucket, name, file)))
    if not gaps:
        return ()
    changes = close(access, gaps)
    updated = {**record, **{file.path: file.sha256 for file in fresh}}
    if updated != record:
        with refusals("recording the applied files"):
            client.request(
                "PUT", f"/{BACKUPS.name}/{SEEDED}", body=json.dumps(updated, indent=1, sort_keys=True).encode()
            )
    return changes


def place(file: SeedFile) -> tuple[str, str]:
    """Return bucket and object name of a seed file.

    Raises:
        SeedingFailed: The file is not in the folder of a bucket.
    """
    path = file.path.removeprefix(f"{NAME}/")
    bucket, _, name = path.partition("/")
    if not name:
        raise SeedingFailed(
            f"seed/{NAME}/{path} is not in a bucket folder",
            hint=f"mv seed/{NAME}/{path} seed/{NAME}/nexus-app-data/   one folder per bucket",
        )
    return bucket, name


def _bucket_gaps(access: InstanceAccess, buckets: Sequence[str]) -> Iterator[Gap]:
    """The project's own buckets, the policy that names all of them, and its holder."""
    if not buckets:
        return
    client, access_key = root(access), access.secrets.read(APP_ACCESS)
    answers = ask(
        {
            **{name: partial(client.request, "GET", f"/{name}", query={"versioning": ""}) for name in buckets},
            "/policy": lambda: client.request(
                "GET", "/minio/admin/v3/info-canned-policy", query={"name": PROJECT_POLICY}
            ),
            "/user": lambda: client.request("GET", "/minio/admin/v3/user-info", query={"accessKey": access_key}),
        }
    )
    policy, user = answers["/policy"], answers["/user"]
    for name in buckets:
        yield from bucket_gaps(name, answers[name], None, None)
    known = desired_state.buckets_of(policy.json()) if policy.status == OK else ()
    named = sorted({*known, *buckets})
    yield from policy_gaps(PROJECT_POLICY, desired_state.policy(named), named, policy)
    yield from attach_gaps(
        access_key, PROJECT_POLICY, str(user.json().get("policyName") or "") if user.status == OK else ""
    )


def _record(access: InstanceAccess) -> Mapping[str, str]:
    """File → SHA-256 of what was put; empty when nothing was yet."""
    answer = ask({"record": lambda: root(access).request("GET", f"/{BACKUPS.name}/{SEEDED}")})["record"]
    try:
        record = answer.json() if answer.status == OK else {}
    except ValueError:
        record = {}
    return record if isinstance(record, dict) else {}


def _putting(bucket: str, name: str, file: SeedFile) -> Callable[[Clients], object]:
    content_type = guess_type(name)[0] or "application/octet-stream"
    return lambda clients: put(clients, bucket, name, file.content, content_type)
