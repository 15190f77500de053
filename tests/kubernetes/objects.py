"""The rendered stack of the repository, and ways to walk through its objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, TypeAlias

from nexusdev.runtimes.kubernetes.render.folder import KIND_CLUSTER, KUSTOMIZATION, manifests
from nexusdev.runtimes.kubernetes.render.options import ProfileName, RenderOptions
from tests.topology import stack

Manifest: TypeAlias = Mapping[str, Any]

#: The content of configs that nexusdev writes for an instance.
GENERATED = {
    "passwd": "nexus:x:10001:10001:nexus:/tmp:/usr/sbin/nologin\n",
    "nexusdev-metrics": "",
    "own-targets": "[]\n",
}


@cache
def configs() -> Mapping[str, str]:
    """Config → content."""
    given = {name: file.read_text(encoding="utf-8") for name, file in stack().copied_configs().items()}
    return {**given, **GENERATED}


@cache
def folder(profile: ProfileName, *, dev_access: bool = False) -> Mapping[str, tuple[dict[str, Any], ...]]:
    """The rendered files of the stack."""
    return manifests(stack(), RenderOptions(profile=profile, configs=configs(), dev_access=dev_access))


def api_objects(files: Mapping[str, tuple[Any, ...]]) -> list[Any]:
    """The objects of the Kubernetes API, Secrets included."""
    return [
        each for name, documents in files.items() if name not in (KUSTOMIZATION, KIND_CLUSTER) for each in documents
    ]


def pod_templates(objects: list[Any]) -> Iterator[tuple[str, Any]]:
    """Name of each workload, with its pod template."""
    for each in objects:
        if each["kind"] in ("StatefulSet", "Deployment"):
            yield f"{each['kind']}/{each['metadata']['name']}", each["spec"]["template"]


def of_kind(objects: list[Any], kind: str) -> dict[str, Any]:
    """Name → object, of one kind."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}
