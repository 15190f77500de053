"""Reads what exists in the namespace of an instance, with few requests."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nexusdev.errors import NotFound
from nexusdev.runtimes.kubernetes.api_reader import METADATA, ApiReader
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import CHECKSUM, InstanceNames
from nexusdev.runtimes.kubernetes.render.manifest import NAME, Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.runtimes.kubernetes.snapshot_parser import KINDS, snapshot
from nexusdev.util.parallel import together

_FILES = {"configmap": "ConfigMap", "secret": "Secret"}
# Columns of a list without contents: the two labels are the last.
_LABELS = ("--label-columns", CHECKSUM, "--label-columns", NAME)


# Kind → path of its list, and whether its content is read.
_LISTS: Mapping[str, tuple[str, bool]] = {
    "StatefulSet": ("/apis/apps/v1/namespaces/{}/statefulsets", True),
    "Deployment": ("/apis/apps/v1/namespaces/{}/deployments", True),
    "Pod": ("/api/v1/namespaces/{}/pods", True),
    "PersistentVolumeClaim": ("/api/v1/namespaces/{}/persistentvolumeclaims", True),
    "Service": ("/api/v1/namespaces/{}/services", False),
    "NetworkPolicy": ("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies", False),
    "ServiceAccount": ("/api/v1/namespaces/{}/serviceaccounts", False),
    "PodDisruptionBudget": ("/apis/policy/v1/namespaces/{}/poddisruptionbudgets", False),
    "ConfigMap": ("/api/v1/namespaces/{}/configmaps", False),
    "Secret": ("/api/v1/namespaces/{}/secrets", False),
}


def observe(kubectl: Kubectl, names: InstanceNames, reader: ApiReader | None = None) -> ClusterSnapshot:
    """Return the snapshot of the namespace. Changes nothing.

    Args:
        kubectl: The cluster.
        names: The instance.
        reader: Reads without processes; None to let kubectl read.

    Raises:
        PreflightFailed: The API server does not answer, or a right is missing.
    """
    if reader is not None:
        return _read(reader, names)
    asked = together(
        {
            "objects": lambda: kubectl.run(
                "get", ",".join(KINDS), "--namespace", names.namespace, "--output", "json"
            ),
            "files": lambda: kubectl.run(
                "get", "configmaps,secrets", "--namespace", names.namespace, "--selector", names.selector,
                "--no-headers", "--ignore-not-found", *_LABELS,
            ),
            "namespace": lambda: _namespace(kubectl, names.namespace),
        }
    )  # fmt: skip
    namespace: Manifest | None = json.loads(asked["namespace"]) if asked["namespace"] else None
    objects = json.loads(asked["objects"])["items"]
    return snapshot(objects, _files(asked["files"].decode()), namespace, names.project)


def _read(reader: ApiReader, names: InstanceNames) -> ClusterSnapshot:
    """Return the snapshot by one request per kind. Contents of files and secrets are not asked for."""
    objects: list[Manifest] = []
    for kind, (path, whole) in _LISTS.items():
        listed = reader.get(path.format(names.namespace), **({} if whole else {"accept": METADATA}))
        objects += [{**each, "kind": kind} for each in listed["items"] or ()]
    try:
        namespace: Manifest | None = reader.get(f"/api/v1/namespaces/{names.namespace}")
    except NotFound:
        namespace = None
    return snapshot(objects, {}, namespace, names.project)


def _namespace(kubectl: Kubectl, name: str) -> bytes:
    try:
        return kubectl.run("get", "namespace", name, "--output", "json")
    except NotFound:
        return b""


def _files(table: str) -> Mapping[str, tuple[str, str]]:
    """Return ``Kind/name`` → hash and group, from the lines of kubectl's table."""
    found = {}
    for line in table.splitlines():
        words = line.split()
        if not words:
            continue
        kind, _, name = words[0].partition("/")
        if kind in _FILES:
            found[f"{_FILES[kind]}/{name}"] = (words[-2], words[-1])
    return found
