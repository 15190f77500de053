"""The volumes of a pod and where its containers mount them: files, memory, persistent data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.manifest import Manifest, RenderContext, quantity
from nexusdev.runtimes.kubernetes.render.pod_groups import PodGroup
from nexusdev.runtimes.kubernetes.render.refusals import refusal
from nexusdev.stack.model import FileMount, Service
from nexusdev.stack.values import size_in_bytes

# Files are owned by root and readable by the pod's group (fsGroup), which the server's user is in.
_FILE_MODE = 0o440
_SHM = "/dev/shm"  # noqa: S108 - a path in containers
# A file directly below these is mounted alone: the folder has other files that the program needs.
_SYSTEM_FOLDERS = frozenset({"/", "/etc", "/usr", "/opt", "/run", "/var", "/bin", "/lib", "/home", "/root", "/tmp"})  # noqa: S108


class PodVolumes(Struct, frozen=True, kw_only=True):
    """What a pod mounts.

    Attributes:
        volumes: The pod's ``volumes``, without the claims of a StatefulSet.
        mounts: Name of a container → its ``volumeMounts``.
        claims: The names of the claims in the pod.
    """

    volumes: tuple[Manifest, ...]
    mounts: Mapping[str, tuple[Manifest, ...]]
    claims: tuple[str, ...]


def pod_volumes(group: PodGroup, context: RenderContext) -> PodVolumes:
    """Return the volumes and mounts of the pods of a group.

    Raises:
        InvalidConfig: Two groups use the same volume.
    """
    claims = _claims(group, context)
    volumes: list[Manifest] = []
    mounts: dict[str, tuple[Manifest, ...]] = {}
    for services in group.containers:
        service = services[0]
        own = [*_file_volumes(service, group, context), *_memory_volumes(service)]
        data = [_data_mount(claims[mount.volume], mount.target, mount.read_only) for mount in service.volumes]
        volumes += [volume for volume, _ in own]
        mounts[service.group] = (*data, *(mount for _, found in own for mount in found))
    if not group.is_replicated:
        volumes = [*(_claimed(name, group) for name in dict.fromkeys(claims.values())), *volumes]
    return PodVolumes(volumes=tuple(volumes), mounts=mounts, claims=tuple(dict.fromkeys(claims.values())))


def claim_spec(context: RenderContext) -> Manifest:
    """Return the ``spec`` of a claim."""
    chosen = context.options.storage_class
    return {
        "accessModes": ["ReadWriteOnce"],
        **({"storageClassName": chosen} if chosen else {}),
        "resources": {"requests": {"storage": context.options.values.storage}},
    }


def claim_of(name: str, group: PodGroup) -> str:
    """Return the name of the claim of a single pod."""
    return f"{group.name}-{name}"


def claims_in_pod(group: PodGroup) -> Mapping[str, str]:
    """Return volume of the first member → the name of its claim in the pod."""
    found: dict[str, str] = {}
    for services in group.containers:
        for mount in services[0].volumes:
            name = slug(mount.target)
            taken = name in found.values() and mount.volume not in found
            found.setdefault(mount.volume, f"{services[0].group}-{name}" if taken else name)
    return found


def slug(path: str) -> str:
    """Return a path as a part of a name: ``/run/tls`` → ``run-tls``."""
    return re.sub(r"[^a-z0-9]+", "-", path.lower()).strip("-") or "root"


def folder_of(target: str) -> str:
    """Return the folder that is mounted for a file: the first two parts of its path; '' for a file that is mounted alone."""
    folders = [str(each) for each in PurePosixPath(target).parents]
    return next((each for each in reversed(folders) if each not in _SYSTEM_FOLDERS), "")


def _claims(group: PodGroup, context: RenderContext) -> Mapping[str, str]:
    for services in group.containers:
        for mount in services[0].volumes:
            _refuse_shared(mount.volume, services[0], group, context)
    return claims_in_pod(group)


def _refuse_shared(volume: str, service: Service, group: PodGroup, context: RenderContext) -> None:
    for other in context.groups:
        users = [each for services in other.containers for each in services if volume in _volumes_of(each)]
        if users and other.name != group.name:
            raise refusal(
                context.stack,
                service,
                "volumes",
                f"volume {volume} is also mounted by {users[0].name}",
                why="a volume belongs to the pods of one workload (ReadWriteOnce)",
            )


def _volumes_of(service: Service) -> Sequence[str]:
    return [mount.volume for mount in service.volumes]


def _data_mount(name: str, target: str, read_only: bool) -> Manifest:
    return {"name": name, "mountPath": target, **({"readOnly": True} if read_only else {})}


def _claimed(name: str, group: PodGroup) -> Manifest:
    return {"name": name, "persistentVolumeClaim": {"claimName": claim_of(name, group)}}


def _memory_volumes(service: Service) -> Iterable[tuple[Manifest, list[Manifest]]]:
    sizes = {target: _size(options) for target, options in service.tmpfs.items()}
    if service.shm_bytes:
        sizes[_SHM] = service.shm_bytes
    for target, size in sizes.items():
        name = f"{service.group}-{slug(target)}"
        limit = {"sizeLimit": quantity(size)} if size else {}
        yield {"name": name, "emptyDir": {"medium": "Memory", **limit}}, [{"name": name, "mountPath": target}]


def _size(options: str) -> int:
    given = dict(option.partition("=")[::2] for option in options.split(",") if option)
    return size_in_bytes(given["size"]) if "size" in given else 0


def _file_volumes(
    service: Service, group: PodGroup, context: RenderContext
) -> Iterable[tuple[Manifest, list[Manifest]]]:
    """Yield each projected volume with its mounts. A folder is mounted as a whole, so that changed content arrives (never by subPath)."""
    by_folder: dict[str, list[FileMount]] = {}
    for file in sorted(service.files, key=lambda each: each.target):
        by_folder.setdefault(_mounted_at(file, service, context), []).append(file)
    for folder, files in by_folder.items():
        name = f"{service.group}-{slug(folder) if folder else 'files'}"
        volume = {"name": name, "projected": {"defaultMode": _FILE_MODE, "sources": _sources(files, folder, group)}}
        if folder:
            yield volume, [{"name": name, "mountPath": folder, "readOnly": True}]
        else:
            yield (
                volume,
                [
                    {"name": name, "mountPath": file.target, "subPath": slug(file.target), "readOnly": True}
                    for file in files
                ],
            )


def _mounted_at(file: FileMount, service: Service, context: RenderContext) -> str:
    """Return the folder that is mounted for a file; '' if it is mounted alone.

    A service of the project keeps the other files of a folder in its image, as in Docker, unless a file in it may change.
    """
    if service.own is None or file.target.startswith("/run/"):
        return folder_of(file.target)
    folder = PurePosixPath(file.target).parent
    changing = {name for name, secret in context.stack.secrets.items() if secret.recipe.live or secret.recipe.runtime}
    changing |= context.stack.live
    beside = [each for each in service.files if PurePosixPath(each.target).parent == folder]
    return str(folder) if any(each.name in changing for each in beside) else ""


def _sources(files: Sequence[FileMount], folder: str, group: PodGroup) -> list[Manifest]:
    sources: list[Manifest] = []
    for kind, key in (("config", "configMap"), ("secret", "secret")):
        items = [
            {"key": file.name, "path": file.target.removeprefix(f"{folder}/") if folder else slug(file.target)}
            for file in files
            if file.kind == kind
        ]
        if items:
            sources.append({key: {"name": group.name, "items": items}})
    return sources
