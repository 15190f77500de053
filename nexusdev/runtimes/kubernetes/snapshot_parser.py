"""Makes a snapshot of a namespace from the objects of the API. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from nexusdev.runtimes.kubernetes import names as words
from nexusdev.runtimes.kubernetes.pod_services import decode
from nexusdev.runtimes.kubernetes.render.manifest import INSTANCE, NAME, Manifest
from nexusdev.runtimes.kubernetes.snapshot import (
    ClusterSnapshot,
    Ended,
    NamespaceState,
    Pod,
    PodContainer,
    VolumeClaim,
    Workload,
)

WORKLOAD_KINDS = ("StatefulSet", "Deployment")
# What a cluster puts into every namespace.
_OF_CLUSTER = frozenset({"ServiceAccount/default", "ConfigMap/kube-root-ca.crt"})
#: The kinds that are read as they are. Of ConfigMaps and Secrets only names and hashes are read.
KINDS = (
    "statefulsets",
    "deployments",
    "pods",
    "services",
    "persistentvolumeclaims",
    "networkpolicies",
    "serviceaccounts",
    "poddisruptionbudgets",
)


def snapshot(
    objects: Iterable[Manifest],
    files: Mapping[str, tuple[str, str]],
    namespace: Manifest | None,
    project: str,
    *,
    foreign: Iterable[str] = (),
) -> ClusterSnapshot:
    """Return the snapshot of a namespace.

    Args:
        objects: The objects of ``KINDS``, foreign ones as well.
        files: ``Kind/name`` of the instance's ConfigMaps and Secrets → their hash and group.
        namespace: The namespace; None if it does not exist.
        project: The instance, as its label has it.
        foreign: ``Kind/name`` of ConfigMaps and Secrets of others, which are not among the objects.
    """
    everything = tuple(objects)
    ours = [each for each in everything if _label(each, INSTANCE) == project and _is_managed(each)]
    lasting = [each for each in ours if each["kind"] != "Pod" and words.ONE_OFF not in _labels(each)]
    claims = [_claim(each) for each in lasting if each["kind"] == "PersistentVolumeClaim" and _note(each, words.VOLUME)]
    rest = [each for each in lasting if each["kind"] != "PersistentVolumeClaim"]
    return ClusterSnapshot(
        namespace=_namespace(namespace) if namespace else None,
        workloads={_name(each): _workload(each) for each in rest if each["kind"] in WORKLOAD_KINDS},
        pods=tuple(_pod(each, project) for each in everything if each["kind"] == "Pod"),
        claims={each.volume: each for each in claims},
        checksums={
            **{_key(each): _label(each, words.CHECKSUM) for each in rest},
            **{name: checksum for name, (checksum, _) in files.items()},
        },
        groups={
            **{_key(each): _label(each, NAME) for each in rest},
            **{name: group for name, (_, group) in files.items()},
        },
        owners=frozenset(owner for each in lasting if (owner := _note(each, words.OWNER_PATH))),
        foreign=frozenset({*foreign, *(_key(each) for each in everything if _is_foreign(each, project))} - _OF_CLUSTER),
    )


def pod_of(manifest: Manifest, project: str) -> Pod:
    """Return a pod from its object, as a watch reports it."""
    return _pod(manifest, project)


def seconds(stamp: str) -> float:
    """Return a time of the API as seconds since the epoch; 0.0 for none."""
    return datetime.fromisoformat(stamp).timestamp() if stamp else 0.0


def _labels(manifest: Manifest) -> Mapping[str, str]:
    return manifest["metadata"].get("labels") or {}


def _label(manifest: Manifest, name: str) -> str:
    return _labels(manifest).get(name, "")


def _note(manifest: Manifest, name: str) -> str:
    found: Mapping[str, str] = manifest["metadata"].get("annotations") or {}
    return found.get(name, "")


def _name(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def _key(manifest: Manifest) -> str:
    return f"{manifest['kind']}/{_name(manifest)}"


def _is_managed(manifest: Manifest) -> bool:
    return _label(manifest, words.MANAGED_BY) == words.MANAGER


def _is_foreign(manifest: Manifest, project: str) -> bool:
    """Return whether somebody else made an object. What has an owner was made by a controller of it."""
    ours = _label(manifest, INSTANCE) == project and _is_managed(manifest)
    # the claims of a StatefulSet have its labels alone until they get their owner
    of_ours = _label(manifest, INSTANCE) == project and manifest["kind"] == "PersistentVolumeClaim"
    has_owner = bool(manifest["metadata"].get("ownerReferences"))
    return not (ours or of_ours or has_owner or manifest["kind"] == "Pod")


def _namespace(manifest: Manifest) -> NamespaceState:
    return NamespaceState(
        project=_label(manifest, INSTANCE) if _is_managed(manifest) else "",
        owner=_note(manifest, words.OWNER_PATH),
        terminating="deletionTimestamp" in manifest["metadata"],
        checksum=_label(manifest, words.CHECKSUM),
    )


def _claim(manifest: Manifest) -> VolumeClaim:
    return VolumeClaim(
        name=_name(manifest),
        volume=_note(manifest, words.VOLUME),
        owner=_note(manifest, words.OWNER_PATH),
        state_path=_note(manifest, words.STATE_PATH),
        terminating="deletionTimestamp" in manifest["metadata"],
    )


def _workload(manifest: Manifest) -> Workload:
    template: Any = manifest["spec"]["template"]["metadata"].get("annotations") or {}
    return Workload(
        name=_name(manifest),
        kind=manifest["kind"],
        replicas=int(manifest["spec"].get("replicas", 1)),
        containers=decode(_note(manifest, words.SERVICES)),
        template=template.get(words.TEMPLATE, ""),
        owner=_note(manifest, words.OWNER_PATH),
        state_path=_note(manifest, words.STATE_PATH),
        problem=_condition(manifest, "ReplicaFailure", "True"),
    )


def _pod(manifest: Manifest, project: str) -> Pod:
    metadata, status = manifest["metadata"], manifest.get("status", {})
    held = _label(manifest, words.HELD)
    volumes = manifest["spec"].get("volumes", ())
    return Pod(
        name=_name(manifest),
        uid=metadata.get("uid", ""),
        group=held or _label(manifest, NAME),
        template=_note(manifest, words.TEMPLATE),
        created=seconds(metadata.get("creationTimestamp", "")),
        terminating="deletionTimestamp" in metadata,
        held=bool(held),
        killed=bool(_note(manifest, words.KILLED)),
        phase=status.get("phase", ""),
        problem=_pod_problem(manifest),
        containers={each["name"]: _container(each) for each in status.get("containerStatuses", ())},
        paused=json.loads(_note(manifest, words.PAUSED) or "{}"),
        claims=frozenset(
            each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each
        ),
        one_off=words.ONE_OFF in _labels(manifest),
        partitioned=words.PARTITIONED in _labels(manifest),
        ours=_label(manifest, INSTANCE) == project and _is_managed(manifest),
    )


def _pod_problem(manifest: Manifest) -> str:
    status = manifest.get("status", {})
    if status.get("phase") == "Failed" and not _label(manifest, words.HELD):
        return ": ".join(filter(None, (status.get("reason", ""), status.get("message", ""))))
    return _condition(manifest, "PodScheduled", "False")


def _condition(manifest: Manifest, kind: str, status: str) -> str:
    for each in manifest.get("status", {}).get("conditions", ()):
        if each["type"] == kind and each["status"] == status:
            return str(each.get("message") or each.get("reason", ""))
    return ""


def _container(status: Mapping[str, Any]) -> PodContainer:
    state, last = status.get("state", {}), status.get("lastState", {})
    waiting = state.get("waiting", {})
    return PodContainer(
        name=status["name"],
        id=status.get("containerID", ""),
        started=seconds((state.get("running") or {}).get("startedAt") or ""),
        waiting=waiting.get("reason", ""),
        message=waiting.get("message", ""),
        ended=_ended(state.get("terminated")),
        previous=_ended(last.get("terminated")),
        restarts=int(status.get("restartCount", 0)),
    )


def _ended(terminated: Mapping[str, Any] | None) -> Ended | None:
    if not terminated:
        return None
    return Ended(
        code=int(terminated.get("exitCode", 0)),
        reason=terminated.get("reason", ""),
        message=terminated.get("message", ""),
        started=seconds(terminated.get("startedAt") or ""),
        at=seconds(terminated.get("finishedAt") or ""),
        id=terminated.get("containerID", ""),
    )
