"""Data volumes as claims: their names, and one object per member of a group. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from nexusdev.runtimes.kubernetes.names import VOLUME
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup, pod_groups
from nexusdev.runtimes.kubernetes.render.volumes import claim_of, claims_in_pod
from nexusdev.stack.model import Stack


class ClaimName(Struct, frozen=True, kw_only=True):
    """The claim of a volume. ``source``: the rendered claim, or the template of a StatefulSet, that it is made like."""

    name: str
    source: str


def claim_names(group: PodGroup) -> Mapping[str, ClaimName]:
    """Return volume → its claim, for every member of a group. A StatefulSet looks for claims named ``template-pod``."""
    in_pod = claims_in_pod(group)
    found: dict[str, ClaimName] = {}
    for services in group.containers:
        for place, mount in enumerate(services[0].volumes):
            source = in_pod[mount.volume] if group.is_replicated else claim_of(in_pod[mount.volume], group)
            for number, service in enumerate(services):
                name = f"{source}-{group.members[number].name}" if group.is_replicated else source
                found.setdefault(service.volumes[place].volume, ClaimName(name=name, source=source))
    return found


def claim_of_volume(volume: str, stack: Stack | None) -> str:
    """Return the name of the claim of a volume; the volume's own name if the stack does not have it."""
    for group in pod_groups(stack) if stack else ():
        if volume in (names := claim_names(group)):
            return names[volume].name
    return volume


def member_claims(group: PodGroup, rendered: Iterable[Manifest]) -> Mapping[str, Manifest]:
    """Return volume → its claim. Those of a StatefulSet are made before it would make them, so that they have an owner.

    Args:
        group: The group.
        rendered: Its objects.
    """
    objects = tuple(rendered)
    [workload] = [each for each in objects if each["kind"] in ("StatefulSet", "Deployment")]
    sources = {each["metadata"]["name"]: each for each in objects if each["kind"] == "PersistentVolumeClaim"}
    sources |= {each["metadata"]["name"]: each for each in workload["spec"].get("volumeClaimTemplates", ())}
    return {
        volume: _claim(volume, claim.name, sources[claim.source], workload)
        for volume, claim in claim_names(group).items()
    }


def _claim(volume: str, name: str, source: Manifest, workload: Manifest) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": name,
            "namespace": workload["metadata"]["namespace"],
            "labels": {**workload["metadata"]["labels"], **source["metadata"]["labels"]},
            "annotations": {VOLUME: volume},
        },
        "spec": source["spec"],
    }
