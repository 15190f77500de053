"""What differs between the compose files and their manifests: images, users, commands, variables, ports, files, limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nexusdev.stack.model import Service, Stack
from tests.kubernetes.lint import number, selected
from tests.kubernetes.objects import of_kind

#: Variables that only pods have.
ADDED = {"POD_NAME", "NEXUS_NAMESPACE", "NEXUS_DOMAIN"}
#: Pods that the compose files do not have.
OWN = {"gateway-dev"}
_SHM = "/dev/shm"  # noqa: S108 - a path in containers


def differences(objects: list[Any], stack: Stack, configs: Mapping[str, str]) -> list[str]:
    """Everything that a service has in Docker and not in its pod, or the other way round."""
    found = _containers(objects)
    missing = [f"{name}: no container" for name in stack.services if name not in found]
    extra = [f"{name}: not in the compose files" for name in found if name not in stack.services and name not in OWN]
    return [
        *missing,
        *extra,
        *(
            f"{service.name}: {problem}"
            for service in stack.services.values()
            if service.name in found
            for problem in _of(service, found[service.name], objects, configs)
        ),
    ]


def _containers(objects: list[Any]) -> dict[str, tuple[Any, Any, str]]:
    """Service → its container, the spec of its pod, and the pod's name."""
    found = {}
    for each in objects:
        if each["kind"] not in ("StatefulSet", "Deployment"):
            continue
        name, spec = each["metadata"]["name"], each["spec"]["template"]["spec"]
        main, *others = spec["containers"]
        pods = [f"{name}-{n}" for n in range(each["spec"]["replicas"])] if each["kind"] == "StatefulSet" else [name]
        for pod in pods:
            found[pod] = (main, spec, pod)
        for other in others:
            found[other["name"]] = (other, spec, name)
    return found


def _of(service: Service, found: tuple[Any, Any, str], objects: list[Any], configs: Mapping[str, str]) -> Iterator[str]:
    container, spec, pod = found

    def own(text: str) -> str:
        return text.replace("$(POD_NAME)", pod).replace("$$(", "$(")

    if container["image"] != service.image:
        yield f"image {container['image']}"
    context = {**spec["securityContext"], **container["securityContext"]}
    if f"{context['runAsUser']}:{context['runAsGroup']}" != service.user or spec["securityContext"]["fsGroup"] == 0:
        yield f"user {context['runAsUser']}:{context['runAsGroup']}"
    if context["readOnlyRootFilesystem"] != service.read_only:
        yield "readOnlyRootFilesystem"
    for key, words in (("command", service.entrypoint), ("args", service.command)):
        if tuple(map(own, container.get(key, ()))) != (words or ()):
            yield key
    env = {each["name"]: own(each["value"]) for each in container.get("env", ()) if each["name"] not in ADDED}
    if env != dict(service.environment):
        yield f"variables {sorted(env.keys() ^ service.environment.keys()) or 'with other values'}"
    ports = {port["containerPort"] for port in container.get("ports", ())}
    if not {port.container for port in service.ports} <= ports:
        yield f"ports {sorted(ports)}"
    if number(container["resources"]["limits"]["memory"]) != service.memory_bytes:
        yield "memory"
    if spec["terminationGracePeriodSeconds"] < service.stop_grace:
        yield "terminationGracePeriodSeconds"
    yield from _files(service, container, spec, objects, configs)
    yield from _names(service, objects)


def _files(
    service: Service, container: Any, spec: Any, objects: list[Any], configs: Mapping[str, str]
) -> Iterator[str]:
    """Compare the files: each target with the config or secret that is there."""
    mounted = dict(_mounted(container, spec, objects))
    for file in service.files:
        kind, key, content = mounted.pop(file.target, ("", "", ""))
        if (kind, key) != (file.kind, file.name):
            yield f"{file.target} is {kind} {key}"
        elif kind == "config" and content != configs[file.name]:
            yield f"{file.target} has another content"
    yield from (f"{target} is not in the compose files" for target in mounted)
    folders = {mount["mountPath"] for mount in container.get("volumeMounts", ())}
    wanted = {
        *service.tmpfs,
        *(mount.target for mount in service.volumes),
        *([_SHM] if service.shm_bytes else []),
    }
    yield from (f"{folder} is not mounted" for folder in sorted(wanted - folders))


def _mounted(container: Any, spec: Any, objects: list[Any]) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Path of each file in the container, with kind, key and content."""
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    stores = {"configMap": ("config", "ConfigMap", "data"), "secret": ("secret", "Secret", "stringData")}
    for mount in container.get("volumeMounts", ()):
        for source in volumes.get(mount["name"], {}).get("projected", {}).get("sources", ()):
            [(store, wanted)] = source.items()
            kind, named, member = stores[store]
            for item in wanted["items"]:
                target = mount["mountPath"] if "subPath" in mount else f"{mount['mountPath']}/{item['path']}"
                if mount.get("subPath", item["path"]) == item["path"]:
                    content = of_kind(objects, named)[wanted["name"]][member][item["key"]]
                    yield target, (kind, item["key"], content)


def _names(service: Service, objects: list[Any]) -> Iterator[str]:
    """Check that every name of a service that answers is a Service that leads to its pod, with its ports."""
    services = of_kind(objects, "Service")
    for name in (service.name, *service.aliases):
        short = name.removesuffix(".nexus-architect.svc.cluster.local")
        if short not in services:
            if service.ports:
                yield f"no Service {short}"
            continue
        hit = {pod for pod, _ in selected(objects, services[short]["spec"]["selector"])}
        if service.shares == "" and service.name not in hit:
            yield f"Service {short} leads to {sorted(hit)}"
        if unserved := set(service.serves.get(short, ())) - {port["port"] for port in services[short]["spec"]["ports"]}:
            yield f"Service {short} has no port {sorted(unserved)}"
