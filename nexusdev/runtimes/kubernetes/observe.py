"""Reads what exists in the namespace of an instance, with few requests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from nexusdev.errors import NotFound, PreflightFailed
from nexusdev.runtimes.kubernetes.api_reader import METADATA, ApiReader
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import CHECKSUM, MANAGED_BY, MANAGER, InstanceNames
from nexusdev.runtimes.kubernetes.render.manifest import INSTANCE, NAME, Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.runtimes.kubernetes.snapshot_parser import KINDS, snapshot
from nexusdev.util.parallel import together

_FILES = {"configmap": "ConfigMap", "secret": "Secret"}
# Columns of a list without contents: these labels are the last. An object of others lacks some, so that its line is shorter.
_COLUMNS = (CHECKSUM, NAME, MANAGED_BY, INSTANCE)
_LABELS = tuple(word for label in _COLUMNS for word in ("--label-columns", label))


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

    def look_at_namespace() -> Manifest:
        found: Manifest = json.loads(kubectl.run("get", "namespace", names.namespace, "--output", "json"))
        return found

    asked = together(
        {
            "objects": lambda: kubectl.run(
                "get", ",".join(KINDS), "--namespace", names.namespace, "--output", "json"
            ),
            "files": lambda: kubectl.run(
                "get", "configmaps,secrets", "--namespace", names.namespace,
                "--no-headers", "--ignore-not-found", *_LABELS,
            ),
            "namespace": lambda: json.dumps(_namespace(look_at_namespace, names.namespace)).encode(),
        }
    )  # fmt: skip
    namespace: Manifest | None = json.loads(asked["namespace"])
    objects = json.loads(asked["objects"])["items"]
    files, foreign = _files(asked["files"].decode(), names.project)
    return snapshot(objects, files, namespace, names.project, foreign=foreign)


def _read(reader: ApiReader, names: InstanceNames) -> ClusterSnapshot:
    """Return the snapshot by one request per kind. Contents of files and secrets are not asked for."""
    objects: list[Manifest] = []
    for kind, (path, whole) in _LISTS.items():
        listed = reader.get(path.format(names.namespace), **({} if whole else {"accept": METADATA}))
        objects += [{**each, "kind": kind} for each in listed["items"] or ()]
    namespace = _namespace(lambda: reader.get(f"/api/v1/namespaces/{names.namespace}"), names.namespace)
    return snapshot(objects, {}, namespace, names.project)


def _namespace(ask: Callable[[], Manifest], name: str) -> Manifest | None:
    """Return the namespace; None if there is none. One that the user may not look at is one that somebody else made."""
    try:
        return ask()
    except NotFound:
        return None
    except PreflightFailed as error:
        if error.code != "RIGHT_MISSING":
            raise
        return {"metadata": {"name": name}}


def _files(table: str, project: str) -> tuple[Mapping[str, tuple[str, str]], list[str]]:
    """Return ``Kind/name`` → hash and group of the instance's own files, and the names of those of others, from kubectl's table."""
    found: dict[str, tuple[str, str]] = {}
    foreign: list[str] = []
    for line in table.splitlines():
        words = line.split()
        kind, _, name = words[0].partition("/") if words else ("", "", "")
        if kind not in _FILES:
            continue
        if words[-2:] == [MANAGER, project]:
            found[f"{_FILES[kind]}/{name}"] = (words[-4], words[-3])
        else:
            foreign.append(f"{_FILES[kind]}/{name}")
    return found, foreign
