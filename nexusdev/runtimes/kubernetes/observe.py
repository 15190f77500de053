"""Reads what exists in the namespace of an instance, with few requests."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nexusdev.errors import NotFound
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import CHECKSUM, InstanceNames
from nexusdev.runtimes.kubernetes.render.manifest import NAME, Manifest
from nexusdev.runtimes.kubernetes.snapshot import KINDS, Snapshot, snapshot
from nexusdev.util.parallel import together

_FILES = {"configmap": "ConfigMap", "secret": "Secret"}
# Columns of a list without contents: the two labels are the last.
_LABELS = ("--label-columns", CHECKSUM, "--label-columns", NAME)


def observe(kubectl: Kubectl, names: InstanceNames) -> Snapshot:
    """Return the snapshot of the namespace. Changes nothing.

    Three requests at once: all objects with their content; the ConfigMaps and Secrets without; the namespace.

    Args:
        kubectl: The cluster.
        names: The instance.

    Raises:
        PreflightFailed: The API server does not answer, or a right is missing.
    """
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
