"""Every rule of the Pod Security standard `restricted`: a good pod, and one change that breaks the rule."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName
from tests.kubernetes.objects import api_objects, folder, pod_templates
from tests.kubernetes.pod_security import violations

GOOD: dict[str, Any] = {
    "spec": {
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "server",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "ports": [{"containerPort": 80}],
                "readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": 1},
            }
        ],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    }
}


def put(path: str, value: Any) -> Callable[[Any], None]:
    """Set a member: ``containers.0.securityContext.privileged``."""

    def change(spec: Any) -> None:
        *parents, last = path.split(".")
        for each in parents:
            spec = spec[int(each)] if each.isdigit() else spec.setdefault(each, {})
        spec[last] = value

    return change


_OWN = "containers.0.securityContext"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (put("hostNetwork", True), "hostNetwork"),
        (put("hostPID", True), "hostPID"),
        (put("hostIPC", True), "hostIPC"),
        (put("volumes", [{"name": "host", "hostPath": {"path": "/"}}]), "volume host: hostPath"),
        (put("volumes", [{"name": "share", "nfs": {"server": "x", "path": "/"}}]), "volume share: nfs"),
        (put("securityContext.sysctls", [{"name": "kernel.msgmax", "value": "1"}]), "sysctl kernel.msgmax"),
        (put("securityContext.runAsUser", 0), "pod: runAsUser 0"),
        (put("securityContext.runAsNonRoot", False), "server: runAsNonRoot"),
        (put("securityContext.seccompProfile", {"type": "Unconfined"}), "server: seccompProfile"),
        (put("securityContext.seccompProfile", {}), "server: seccompProfile"),
        (put("securityContext.appArmorProfile", {"type": "Unconfined"}), "pod: appArmorProfile"),
        (put("securityContext.seLinuxOptions", {"type": "spc_t"}), "pod: seLinuxOptions"),
        (put("securityContext.windowsOptions", {"hostProcess": True}), "pod: hostProcess"),
        (put(f"{_OWN}.privileged", True), "server: privileged"),
        (put(f"{_OWN}.allowPrivilegeEscalation", True), "server: allowPrivilegeEscalation"),
        (put(_OWN, {"capabilities": {"drop": ["ALL"]}}), "server: allowPrivilegeEscalation"),
        (put(f"{_OWN}.capabilities.drop", ["NET_RAW"]), "server: capabilities are not dropped"),
        (put(f"{_OWN}.capabilities.add", ["SYS_ADMIN"]), "server: capabilities SYS_ADMIN"),
        (put(f"{_OWN}.runAsUser", 0), "server: runAsUser 0"),
        (put(f"{_OWN}.runAsNonRoot", False), "server: runAsNonRoot"),
        (put(f"{_OWN}.seccompProfile", {"type": "Unconfined"}), "server: seccompProfile"),
        (put(f"{_OWN}.procMount", "Unmasked"), "server: procMount"),
        (put(f"{_OWN}.appArmorProfile", {"type": "Unconfined"}), "server: appArmorProfile"),
        (put(f"{_OWN}.seLinuxOptions", {"role": "sysadm_r"}), "server: seLinuxOptions"),
        (put("containers.0.ports.0.hostPort", 80), "server: hostPort"),
        (put("containers.0.readinessProbe.httpGet.host", "10.0.0.1"), "server: host of a probe or hook"),
    ],
)
def test_a_violation_is_found(change: Callable[[Any], None], found: str) -> None:
    broken = copy.deepcopy(GOOD)
    change(broken["spec"])
    assert violations(broken) == [found]


def test_a_restricted_pod_has_no_violation() -> None:
    assert violations(GOOD) == []


def test_an_init_container_is_checked_too() -> None:
    spec = {**GOOD["spec"], "initContainers": [{"name": "first"}]}
    assert violations({"spec": spec}) == [
        "first: allowPrivilegeEscalation",
        "first: capabilities are not dropped",
    ]


@pytest.mark.parametrize("profile", PROFILES)
def test_every_rendered_pod_is_restricted(profile: ProfileName) -> None:
    templates = dict(pod_templates(api_objects(folder(profile, dev_access=True))))
    assert len(templates) > 15
    assert {name: found for name, template in templates.items() if (found := violations(template))} == {}
