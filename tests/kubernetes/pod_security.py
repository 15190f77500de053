"""The Pod Security standard `restricted`, version v1.34, as far as it is about Linux pods: every violation of a pod template.

https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}
_SECCOMP = {"RuntimeDefault", "Localhost"}
_SYSCTLS = {
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
_SELINUX_TYPES = {"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"}


def violations(template: Any) -> list[str]:
    """What of a pod template `restricted` forbids."""
    spec = template["spec"]
    pod = spec.get("securityContext", {})
    return [*_of_pod(spec, pod), *(each for container in containers(spec) for each in _of_container(container, pod))]


def containers(spec: Any) -> Iterator[Any]:
    """All containers of a pod: init and ephemeral ones too."""
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from spec.get(key, ())


def _of_pod(spec: Any, pod: Any) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(key):
            yield key
    for volume in spec.get("volumes", ()):
        kinds = set(volume) - {"name"}
        if not kinds <= _VOLUMES:
            yield f"volume {volume['name']}: {', '.join(sorted(kinds - _VOLUMES))}"
    for sysctl in pod.get("sysctls", ()):
        if sysctl["name"] not in _SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    yield from _of_context("pod", pod)


def _of_container(container: Any, pod: Any) -> Iterator[str]:
    name, own = container["name"], container.get("securityContext", {})
    capabilities = own.get("capabilities", {})
    if own.get("privileged"):
        yield f"{name}: privileged"
    if own.get("allowPrivilegeEscalation") is not False:
        yield f"{name}: allowPrivilegeEscalation"
    if "ALL" not in capabilities.get("drop", ()):
        yield f"{name}: capabilities are not dropped"
    if added := set(capabilities.get("add", ())) - {"NET_BIND_SERVICE"}:
        yield f"{name}: capabilities {', '.join(sorted(added))}"
    if own.get("runAsNonRoot", pod.get("runAsNonRoot")) is not True:
        yield f"{name}: runAsNonRoot"
    if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in _SECCOMP:
        yield f"{name}: seccompProfile"
    if own.get("procMount", "Default") != "Default":
        yield f"{name}: procMount"
    if any(port.get("hostPort") for port in container.get("ports", ())):
        yield f"{name}: hostPort"
    for hook in [*container.get("lifecycle", {}).values(), *(container.get(f"{each}Probe", {}) for each in _PROBES)]:
        if any(handler.get("host") for handler in hook.values() if isinstance(handler, dict)):
            yield f"{name}: host of a probe or hook"
    yield from _of_context(name, own)


_PROBES = ("startup", "readiness", "liveness")


def _of_context(name: str, context: Any) -> Iterator[str]:
    if context.get("runAsUser") == 0:
        yield f"{name}: runAsUser 0"
    if context.get("windowsOptions", {}).get("hostProcess"):
        yield f"{name}: hostProcess"
    if context.get("appArmorProfile", {"type": "RuntimeDefault"})["type"] not in _SECCOMP:
        yield f"{name}: appArmorProfile"
    options = context.get("seLinuxOptions", {})
    if options.get("type", "") not in _SELINUX_TYPES or options.get("user") or options.get("role"):
        yield f"{name}: seLinuxOptions"
