"""The bench of the Kubernetes runtime, on a real cluster: that of the environment variable TEST_KUBECONFIG."""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.faults import Fault
from nexusdev.interfaces import Completed
from nexusdev.plan import Phase
from nexusdev.runtimes.image_store import ImageStore
from nexusdev.runtimes.kubernetes.cluster import ClusterAccess
from nexusdev.runtimes.kubernetes.faults import KubernetesFaults
from nexusdev.runtimes.kubernetes.inventory import port_holders
from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from nexusdev.runtimes.kubernetes.names import InstanceNames
from nexusdev.runtimes.kubernetes.observe import observe
from nexusdev.runtimes.kubernetes.provider import ClusterProvider
from nexusdev.runtimes.kubernetes.render.dev_gateway import node_port
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.stack.model import Stack
from tests.contract.bench import OWNER, Bench, small_stack

CLUSTER = "TEST_KUBECONFIG"
IMAGE = "TEST_KUBERNETES_IMAGE"
#: Host ports whose node ports the stack itself does not use.
_PORTS = (21096, 21097, 21098, 21099)
# Behind a process that is the init process of its container, as in the images of the stack: it can be killed and paused from inside. The
# inner one fails at once while /tmp/broken exists.
_SERVER = """
trap 'kill "$main"; wait "$main"; exit' TERM
/bin/sh -c '[ ! -e /tmp/broken ] || exit 3; trap "exit 0" TERM; echo ready; while :; do sleep 1 & wait $!; done' &
main=$!
wait "$main"
exit $?
"""
_SLEEPER = ("/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done")


def comes(condition: Callable[[], object], *, within: float = 60.0) -> bool:
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)
    return bool(condition())


@dataclass(kw_only=True)
class KubernetesBench(Bench):
    """A namespace of a real cluster.

    Attributes:
        kubectl: The cluster.
        namespace: The namespace, which the instance alone has.
        image: An image that the nodes have, with /bin/sh, tar and haproxy.
        elsewhere: Namespaces with something foreign.
    """

    kubectl: Kubectl
    namespace: str
    image: str
    elsewhere: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def _inside(self, service: str, script: str) -> bytes:
        done = self.runtime().execute(service, ["/bin/sh", "-c", script])
        return done.stdout

    def fail(self, service: str) -> None:
        """The server is killed, and does not start again: the kubelet restarts the container once, and then waits."""
        self._inside(service, "touch /tmp/broken")
        KubernetesFaults(self.kubectl, self._names(), self._look).inject(Fault.CRASH, service)
        assert comes(lambda: self.observe().services[service].phase is Phase.RESTARTING)
        assert comes(lambda: self.observe().services[service].word == "CrashLoopBackOff")

    def lose(self, service: str) -> None:
        self.kubectl.delete([f"deployment/{service}"], self.namespace, "--cascade=foreground")

    def lose_volume(self, volume: str) -> None:
        name = self.runtime().volume_name(volume).rpartition("/")[2]
        self.kubectl.delete([f"persistentvolumeclaim/{name}"], self.namespace)

    def take_port(self, port: int) -> str:
        """A Service of another namespace has the node port."""
        other = f"{self.namespace}-other"
        self.elsewhere.append(other)
        spec = {"type": "NodePort", "ports": [{"port": 80, "nodePort": node_port(port)}], "selector": {"app": "web"}}
        self.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": other}}])
        metadata = {"name": "web", "namespace": other}
        self.kubectl.apply([{"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec}])
        return f"service web of namespace {other}"

    def mount_elsewhere(self, volume: str) -> None:
        claim = self.runtime().volume_name(volume).rpartition("/")[2]
        security = {
            "runAsNonRoot": True,
            "runAsUser": 12345,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        container = {
            "name": "backup",
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": list(_SLEEPER),
            "securityContext": security,
            "volumeMounts": [{"name": "data", "mountPath": "/theirs"}],
        }
        spec = {
            "containers": [container],
            "terminationGracePeriodSeconds": 1,
            "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": claim}}],
        }
        metadata = {"name": "backup", "namespace": self.namespace}
        self.kubectl.apply([{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}])
        self.foreign.append("pod/backup")

    def add_foreign_volume(self, volume: str) -> None:
        claim = self.runtime().volume_name(volume).rpartition("/")[2]
        comes(self._namespace_is_gone)
        metadata = {"name": claim, "namespace": self.namespace}
        spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        self.kubectl.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}])
        self.kubectl.apply([{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}])
        self.elsewhere.append(self.namespace)

    def _namespace_is_gone(self) -> bool:
        return self.kubectl.outcome("get", "namespace", self.namespace).returncode != 0

    def release(self) -> None:
        self.kubectl.delete(self.foreign, self.namespace)
        self.foreign.clear()
        self.kubectl.delete([f"namespace/{name}" for name in self.elsewhere], self.namespace, wait=False)
        self.elsewhere.clear()

    def close(self) -> None:
        """Leave nothing. The namespace goes with all that is in it; its node port is free at once."""
        self.release()
        self.kubectl.delete(["service/gateway-dev"], self.namespace)
        self.kubectl.delete([f"namespace/{self.namespace}"], self.namespace, wait=False)

    def one_off_image(self, completed: Completed) -> str:
        del completed
        return self.image

    def say(self, service: str, text: str) -> None:
        self._inside(service, f"echo {text} > /proc/1/fd/1")

    def answers(self, service: str, completed: Completed) -> None:
        """The command itself answers."""

    def lacks(self, image: str) -> None:
        """An image of a name that nobody gave is not there."""

    def hold(self, image: str) -> None:
        """The nodes have the image already."""

    def file_in(self, service: str, path: str) -> bytes:
        return self._inside(service, f"cat {path}")

    def _names(self) -> InstanceNames:
        return InstanceNames(instance=self.instance, namespace=self.namespace, owner_path=OWNER, stack=self.stack)

    def _look(self) -> ClusterSnapshot:
        return observe(self.kubectl, self._names())


def contract_stack(project: str, image: str, port: int) -> Stack:
    """The small stack as a cluster can run it: behind an init process, and with a service whose image the gateway for development runs."""
    stack = small_stack(project, image=image, port=port)
    services = {
        name: replace(each, entrypoint=("/bin/sh", "-c", _SERVER), stop_grace=2.0)
        for name, each in stack.services.items()
    }
    services["store-1"] = replace(services["store-1"], serves={"store-second": (8080,)})
    return replace(stack, services=services)


def _free_port(kubectl: Kubectl) -> int:
    """A free port; another one for another process, which may look at the same moment."""
    taken = port_holders(kubectl, ())
    first = os.getpid() % len(_PORTS)
    return next(port for port in (*_PORTS[first:], *_PORTS[:first]) if node_port(port) not in taken)


def cluster_kubectl() -> Kubectl:
    """kubectl for the cluster of these tests. Fails the test where there is none."""
    kubeconfig = os.environ.get(CLUSTER, "")
    if not kubeconfig:
        pytest.fail(f"no cluster: set {CLUSTER} to a kubeconfig, and {IMAGE} to an image that its nodes have")
    context = json.loads(
        Kubectl(context="", kubeconfig=Path(kubeconfig)).outcome("config", "view", "--output", "json").stdout
    )["current-context"]
    return Kubectl(context=context, kubeconfig=Path(kubeconfig))


def kubernetes_bench() -> KubernetesBench:
    """In a new namespace of the cluster of TEST_KUBECONFIG."""
    kubectl = cluster_kubectl()
    name = f"nxt-core-{uuid.uuid4().hex[:6]}"
    image = os.environ.get(IMAGE, "nexusdev/haproxy:local")
    access = ClusterAccess(connect=lambda: kubectl, namespace=name)

    def images() -> ImageStore:
        raise AssertionError("the bench builds no images")

    return KubernetesBench(
        instance=name,
        stack=contract_stack(f"nexusdev-{name}", image, _free_port(kubectl)),
        provider=ClusterProvider(lambda _instance: access, images),
        kubectl=kubectl,
        namespace=name,
        image=image,
    )
