"""Installs Calico in a cluster: the CRDs out of its image, then ``calico.yaml``."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from nexusdev.runtimes.kind.node import full_name

if TYPE_CHECKING:
    from nexusdev.runtimes.kubernetes.kubectl import Kubectl

#: Where the image has the CRDs.
CRDS = "/usr/local/share/calico/crds.yaml"
_PLACEHOLDER = "CALICO_IMAGE"
_READY = 240.0  # seconds; 20 on a quiet machine


def manifest(image: str) -> bytes:
    """Return the manifest for an image that the node has."""
    text = files("nexusdev.runtimes.kind").joinpath("calico.yaml").read_text(encoding="utf-8")
    head, _, objects = text.partition("\napiVersion:")
    assert _PLACEHOLDER in head  # noqa: S101 - its comment explains the placeholder
    return f"apiVersion:{objects.replace(_PLACEHOLDER, full_name(image))}".encode()


def install(kubectl: Kubectl, image: str, crds: bytes) -> None:
    """Install it, and wait until the node is ready and policies are enforced. Installing it again changes nothing.

    Args:
        kubectl: The cluster.
        image: The image, which the node has.
        crds: Its CRDs.

    Raises:
        PreflightFailed, RuntimeSlow: The cluster does not answer, or Calico does not become ready.
    """
    apply = ("apply", "--server-side", "--force-conflicts", "--filename", "-")
    kubectl.run(*apply, stdin=crds, timeout=_READY)
    limit = f"--timeout={_READY:.0f}s"
    kubectl.run("wait", "--for=condition=Established", "crd", "--all", limit, timeout=_READY + 10)
    kubectl.run(*apply, stdin=manifest(image), timeout=_READY)
    rollout = ("rollout", "status", "daemonset/calico-node", "--namespace", "kube-system")
    kubectl.run(*rollout, limit, timeout=_READY + 10)
    kubectl.run("wait", "--for=condition=Ready", "node", "--all", limit, timeout=_READY + 10)
