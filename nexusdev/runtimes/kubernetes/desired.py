"""What shall exist of an instance: its rendered objects with owner, hashes and the services of each workload. Reads config and secret files."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.runtimes.kubernetes import names as words
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.pod_services import ContainerServices, container_services, encode
from nexusdev.runtimes.kubernetes.render.dev_gateway import is_dev_gateway
from nexusdev.runtimes.kubernetes.render.folder import RenderedGroup, RenderedStack, rendered_stack
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.render.options import RenderOptions
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.volume_claims import member_claims
from nexusdev.stack.config_text import config_text
from nexusdev.stack.model import Stack

WORKLOADS = ("StatefulSet", "Deployment")
_HASH = 16  # hexadecimal digits: a label has at most 63 characters


class Unit(Struct, frozen=True, kw_only=True):
    """The objects of one group of pods: the smallest thing that is applied.

    Attributes:
        name: The group, which is also the name of its workload.
        component: Its component.
        kind: ``StatefulSet`` or ``Deployment``.
        containers: The services; none for pods that are no services of the stack.
        objects: Its objects but claims and Secret, the workload last.
        claims: Short name of a volume → its claim.
        secrets: Key of the Secret → the file with its value. Values are read when the Secret is applied, and are in no plan.
        secret: The Secret without its values; None for none.
        secret_hash: The hash of the Secret with its values; '' for none.
        template: The hash of what its pods are made from.
        images: The images of its pods.
    """

    name: str
    component: str
    kind: str
    containers: tuple[ContainerServices, ...]
    objects: tuple[Manifest, ...]
    claims: Mapping[str, Manifest]
    secrets: Mapping[str, Path]
    secret: Manifest | None
    secret_hash: str
    template: str
    images: tuple[str, ...]

    @property
    def workload(self) -> Manifest:
        return self.objects[-1]

    @property
    def replicas(self) -> int:
        return int(self.workload["spec"]["replicas"])

    @property
    def services(self) -> tuple[str, ...]:
        """All services in its pods."""
        return tuple(name for each in self.containers for name in each.members)


class Desired(Struct, frozen=True, kw_only=True):
    """All objects of an instance. ``base``: the default policies; ``units``: each after those that it depends on."""

    namespace: Manifest
    base: tuple[Manifest, ...]
    units: Mapping[str, Unit]


def desired(stack: Stack, wanted: Collection[str], names: InstanceNames, access: ClusterAccess) -> Desired:
    """Return what shall exist.

    Args:
        stack: All services; their connections are rendered also where they are not wanted.
        wanted: The services that shall run.
        names: The instance.
        access: The namespace and the profile.

    Raises:
        InvalidConfig: Kubernetes cannot do what the compose files say.
    """
    found = render(stack, access)
    units = (
        _unit(each, stack, wanted, names, access)
        for each in found.groups
        if is_dev_gateway(each.group) or any(name in wanted for name in _services(each.group))
    )
    return Desired(
        namespace=stamped(found.namespace, names),
        base=tuple(stamped(each, names) for each in found.policies),
        units={each.name: each for each in units},
    )


def render(stack: Stack, access: ClusterAccess) -> RenderedStack:
    """Render the stack with the content of its config files."""
    options = RenderOptions(
        profile=access.profile,
        namespace=access.namespace,
        configs=_configs(stack),
        dev_access=access.dev_access,
        exposure=access.exposure,
        sizes=access.sizes,
        storage_class=access.storage_class,
        storage_size=access.storage_size,
        pull_secret=access.pull_secret,
    )
    return rendered_stack(stack, options)


def secret_with_values(unit: Unit, values: Mapping[str, bytes], names: InstanceNames) -> Manifest:
    """Return the Secret of a unit with its values, for kubectl's standard input alone.

    Args:
        unit: A unit that has one.
        values: Key → value.
        names: The instance.
    """
    secret = {**(unit.secret or {}), "data": {key: b64encode(value).decode() for key, value in values.items()}}
    return stamped(secret, names)


def secret_values(unit: Unit) -> dict[str, bytes]:
    """Return key → value of a unit's Secret. A file that does not exist has no content: its component writes it later."""
    return {key: file.read_bytes() if file.exists() else b"" for key, file in unit.secrets.items()}


def stamped(manifest: Manifest, names: InstanceNames) -> Manifest:
    """Return an object with its owner as annotations and its hash as a label."""
    found = deepcopy(manifest)
    metadata = found["metadata"]
    metadata["annotations"] = {**metadata.get("annotations", {}), **names.annotations}
    metadata["labels"] = {**metadata.get("labels", {}), words.CHECKSUM: digest(found)}
    return found


def hash_of(manifest: Manifest) -> str:
    """Return the hash that ``stamped`` gave an object."""
    return str(manifest["metadata"]["labels"][words.CHECKSUM])


def digest(value: object) -> str:
    """Return the hash of a value that JSON can say."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:_HASH]


def _configs(stack: Stack) -> Mapping[str, str]:
    found = {}
    for name, file in stack.configs.items():
        try:
            found[name] = config_text(name, file, stack)
        except FileNotFoundError:
            found[name] = ""  # nexusdev writes it later: metrics, targets
    return found


def _services(group: PodGroup) -> tuple[str, ...]:
    return tuple(each.name for services in group.containers for each in services)


def pinned(manifest: Manifest, access: ClusterAccess) -> Manifest:
    """Return an object whose containers name their images by digest.

    Args:
        manifest: A workload; other objects have no images.
        access: Knows the digests.

    Raises:
        ImageUnavailable: An image is not where nodes get it from.
    """
    return _with_images(manifest, access.pin) if manifest["kind"] in WORKLOADS else manifest


def _with_images(workload: Manifest, name: Callable[[str], str]) -> Manifest:
    found = deepcopy(workload)
    for each in found["spec"]["template"]["spec"]["containers"]:
        each["image"] = name(each["image"])
    return found


def _unit(
    rendered: RenderedGroup, stack: Stack, wanted: Collection[str], names: InstanceNames, access: ClusterAccess
) -> Unit:
    group = rendered.group
    containers = container_services(group, wanted)
    secrets = {key: stack.secrets[key].file for key in (rendered.secret or {}).get("stringData", ())}
    claims = member_claims(group, rendered.objects)
    unit = Unit(
        name=group.name,
        component=group.component,
        kind="StatefulSet" if group.is_replicated else "Deployment",
        containers=containers,
        objects=(),
        claims={volume: stamped(each, names) for volume, each in claims.items()},
        secrets=secrets,
        secret=_bare(rendered.secret),
        secret_hash="",
        template="",
        images=(),
    )
    local = _workload(rendered, unit, {each.container for each in containers})
    images = {each["image"] for each in local["spec"]["template"]["spec"]["containers"]}
    workload = _hashed(_with_images(local, access.image), unit, stack)
    spec = workload["spec"]["template"]
    others = [each for each in rendered.objects if each["kind"] not in (*WORKLOADS, "PersistentVolumeClaim")]
    return replace(
        unit,
        objects=tuple(stamped(each, names) for each in (*others, workload)),
        secret_hash=hash_of(secret_with_values(unit, secret_values(unit), names)) if unit.secret else "",
        template=spec["metadata"]["annotations"][words.TEMPLATE],
        images=tuple(sorted(images)),
    )


def _bare(secret: Manifest | None) -> Manifest | None:
    return {key: value for key, value in secret.items() if key != "stringData"} if secret else None


def _workload(rendered: RenderedGroup, unit: Unit, containers: Collection[str]) -> Manifest:
    """Return the workload with the wanted containers."""
    [found] = [deepcopy(each) for each in rendered.objects if each["kind"] in WORKLOADS]
    template = found["spec"]["template"]
    if containers:
        template["spec"]["containers"] = [each for each in template["spec"]["containers"] if each["name"] in containers]
    if unit.kind == "StatefulSet":
        # Outdated pods are deleted when the workload is applied. Its controller would do the same, and pods would end twice.
        found["spec"]["updateStrategy"] = {"type": "OnDelete"}
    if not is_dev_gateway(rendered.group):
        found["metadata"].setdefault("annotations", {})[words.SERVICES] = encode(unit.containers)
    return found


def _hashed(workload: Manifest, unit: Unit, stack: Stack) -> Manifest:
    """Return the workload with the hash of its pods, and of the files that they read once."""
    template = workload["spec"]["template"]
    fixed = {key: value for key, value in secret_values(unit).items() if not _is_live(key, stack)}
    hashed = digest([template, {key: hashlib.sha256(value).hexdigest() for key, value in fixed.items()}])
    template["metadata"].setdefault("annotations", {})[words.TEMPLATE] = hashed
    return workload


def _is_live(secret: str, stack: Stack) -> bool:
    """Return whether servers see a new value without a restart."""
    recipe = stack.secrets[secret].recipe
    return recipe.live or recipe.runtime
