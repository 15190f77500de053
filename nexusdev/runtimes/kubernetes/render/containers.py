"""One container of a pod: command, environment, ports, probes, resources, security."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from nexusdev.runtimes.kubernetes.render.manifest import CLUSTER_DOMAIN, Manifest, RenderContext, quantity
from nexusdev.runtimes.kubernetes.render.pod_groups import POD_NAME, own_name_as_variable
from nexusdev.runtimes.kubernetes.render.refusals import refusal, user_of
from nexusdev.stack.model import ReadyCheck, Service

#: Variable with the suffix of the names of Services, for config files that need whole names, as HAProxy does.
DOMAIN = "NEXUS_DOMAIN"
_NAMESPACE = "NEXUS_NAMESPACE"
_MIB = 1024**2
_SMALLEST_REQUEST = 16 * _MIB
#: Seconds that a server may take to start before it is restarted: it waits for its peers, and for nexusdev to initialize it.
_START_SECONDS = 600
_DEFAULT_SIGNALS = frozenset({"", "SIGTERM"})


class _Timing(Struct, frozen=True, kw_only=True):
    """Seconds between two probes: while the container starts, and later."""

    starting: int
    running: int


# A probe over the network costs nearly nothing. A command is a process with a TLS handshake, which the container runtime starts: every two seconds
# for all servers that have one, it takes most of a processor while a stack starts. Nothing waits for these: peers also find pods that are not ready.
_NETWORK = _Timing(starting=1, running=5)
_COMMAND = _Timing(starting=5, running=30)


def container(
    services: Sequence[Service], ports: Sequence[int], mounts: Sequence[Manifest], context: RenderContext
) -> Manifest:
    """Return one container.

    Args:
        services: The services that are this container, one per pod of the group.
        ports: The ports at which it listens.
        mounts: Its ``volumeMounts``.
        context: The stack and the options.

    Raises:
        InvalidConfig: The services differ in more than their names.
    """
    service = services[0]
    return {
        "name": service.group,
        "image": service.image,
        "imagePullPolicy": "IfNotPresent",
        **_command(services, context),
        **({"workingDir": service.working_dir} if service.working_dir else {}),
        **({"env": environment} if (environment := _environment(services, context)) else {}),
        **({"ports": [_port(number) for number in ports]} if ports else {}),
        **_probes(service),
        **_lifecycle(service),
        "resources": _resources(service, context),
        "securityContext": _security(service),
        **({"volumeMounts": list(mounts)} if mounts else {}),
    }


def pod_security(service: Service) -> Manifest:
    """Return the ``securityContext`` of a pod: the user of its main container, and the group that its files belong to."""
    uid, gid = user_of(service)
    return {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": gid,
        "fsGroup": gid,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def grace_period(services: Sequence[Service]) -> int:
    """Return the whole seconds between the stop signal and the kill of a pod: those of its slowest container."""
    return max(1, *(math.ceil(each.stop_grace) for each in services))


def _port(number: int) -> Manifest:
    return {"name": f"tcp-{number}", "containerPort": number, "protocol": "TCP"}


def _command(services: Sequence[Service], context: RenderContext) -> Manifest:
    found: Manifest = {}
    for key, name in (("entrypoint", "command"), ("command", "args")):
        words: list[Sequence[str] | None] = [getattr(each, key) for each in services]
        if words[0] is not None:
            found[name] = [
                _text([each[place] for each in words if each], services, key, context) for place in range(len(words[0]))
            ]
    return found


def _environment(services: Sequence[Service], context: RenderContext) -> list[Manifest]:
    """Return the variables, after those of the pod that they or the container's files refer to."""
    written = [
        {"name": name, "value": _text([each.environment[name] for each in services], services, "environment", context)}
        for name in services[0].environment
    ]
    words = [word for part in _command(services, context).values() for word in part]
    found: list[Manifest] = []
    if any(f"$({POD_NAME})" in text for text in (*words, *(each["value"] for each in written))):
        found.append({"name": POD_NAME, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}})
    if any(DOMAIN in context.options.configs.get(file.name, "") for file in services[0].files):
        found += [
            {"name": _NAMESPACE, "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
            {"name": DOMAIN, "value": f".$({_NAMESPACE}).{CLUSTER_DOMAIN}"},
        ]
    return [*found, *written]


def _text(values: Sequence[str], services: Sequence[Service], key: str, context: RenderContext) -> str:
    found = own_name_as_variable(values, [each.name for each in services])
    if found is None:
        raise refusal(
            context.stack,
            services[0],
            key,
            f"{key} differs between {services[0].name} and {services[1].name} in more than their names",
            why="the pods of a StatefulSet are equal but for their names",
        )
    return found


def _probes(service: Service) -> Manifest:
    check = service.ready or _healthcheck(service) or (service.own and service.own.ready)
    if not check or check.kind == "running":
        return {}
    timing = _COMMAND if check.kind == "exec" else _NETWORK
    seconds = max(1, math.ceil(service.healthcheck.timeout)) if service.healthcheck else 5
    startup = service.alive or check
    found = {
        "startupProbe": {
            **_handler(startup),
            "periodSeconds": timing.starting,
            "timeoutSeconds": seconds,
            "failureThreshold": _START_SECONDS // timing.starting,
        },
        "readinessProbe": {**_handler(check), "periodSeconds": timing.running, "timeoutSeconds": seconds},
    }
    if service.alive:
        found["livenessProbe"] = {
            **_handler(service.alive),
            "periodSeconds": 10,
            "timeoutSeconds": seconds,
            "failureThreshold": 6,
        }
    return found


def _healthcheck(service: Service) -> ReadyCheck | None:
    if service.healthcheck is None:
        return None
    kind, *argv = service.healthcheck.test
    return ReadyCheck(kind="exec", argv=("/bin/sh", "-c", *argv) if kind == "CMD-SHELL" else tuple(argv))


def _handler(check: ReadyCheck) -> Manifest:
    match check.kind:
        case "http":
            return {"httpGet": {"path": check.path, "port": check.port, "scheme": "HTTPS" if check.tls else "HTTP"}}
        case "tcp":
            return {"tcpSocket": {"port": check.port}}
        case _:
            return {"exec": {"command": list(check.argv)}}


def _lifecycle(service: Service) -> Manifest:
    """Return the hook that sends another stop signal than SIGTERM. SIGKILL is what follows SIGTERM after the grace period."""
    if service.stop_signal in _DEFAULT_SIGNALS or service.stop_signal == "SIGKILL":
        return {}
    signal = service.stop_signal.removeprefix("SIG")
    return {"lifecycle": {"preStop": {"exec": {"command": ["/bin/sh", "-c", f"kill -s {signal} 1"]}}}}


def _resources(service: Service, context: RenderContext) -> Manifest:
    values = context.options.values
    requests: Manifest = {"cpu": values.cpu_request}
    if not service.memory_bytes:
        return {"requests": requests}
    share = service.memory_bytes // values.memory_share // _MIB * _MIB
    requests["memory"] = quantity(min(service.memory_bytes, max(_SMALLEST_REQUEST, share)))
    return {"requests": requests, "limits": {"memory": quantity(service.memory_bytes)}}


def _security(service: Service) -> Manifest:
    uid, gid = user_of(service)
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": service.read_only,
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": gid,
    }
