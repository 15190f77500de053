"""One cluster with one instance for all tests of this folder, made by the real command with ``--runtime kind``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nexusdev.runtimes.kubernetes.kubectl import Kubectl
from tests.integration.conftest import Project
from tests.integration.kind.policies import ELSEWHERE, NAMESPACE


@pytest.fixture(scope="package")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """The instance in kind, ready and seeded; its cluster is gone after the tests of this folder.

    ``TEST_KIND_PROJECT`` and ``TEST_KIND_STATE`` name the folders of a running instance that is used as it is and kept.
    """
    running = os.environ.get("TEST_KIND_PROJECT")
    folder = Path(running) if running else tmp_path_factory.mktemp("kind")
    state = Path(os.environ["TEST_KIND_STATE"]) if running else tmp_path_factory.mktemp("kind-state")
    project = Project(folder=folder, state=state, extra={"NEXUSDEV_RUNTIME": "kind"})
    if running:
        yield project
        return
    try:
        ran = project.run("up", "--timeout", "10m", timeout=900)
        assert ran.code == 0, ran.err
        yield project
    finally:
        project.run("destroy", "--yes")


@pytest.fixture(scope="package")
def kubectl(project: Project) -> Kubectl:
    """The cluster of the instance, by the files that nexusdev keeps in its state folder."""
    program = shutil.which("kubectl") or str(next(project.state.glob("programs/*/kubectl")))
    [kubeconfig] = project.state.glob("instances/*/kind/kubeconfig")
    asked = [program, "--kubeconfig", str(kubeconfig), "config", "current-context"]
    context = subprocess.run(asked, capture_output=True, check=True, text=True).stdout.strip()
    return Kubectl(context=context, kubeconfig=kubeconfig, program=program)


@pytest.fixture(scope="package")
def applications(project: Project, kubectl: Kubectl) -> Iterator[None]:
    """Two pods of an application in another namespace, with the variables of ``env``: app-client has the label of a client, app-stranger none."""
    found = json.loads(kubectl.run("get", "pod/postgresql-0", "--namespace", NAMESPACE, "--output", "json"))
    image = found["spec"]["containers"][0]["image"]
    shown = project.run("env", "--format", "k8s-secret", "--namespace", ELSEWHERE)
    assert shown.code == 0, shown.err
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ELSEWHERE}}
    pods = [_pod("app-client", image, {"nexus.dev/client": "true"}), _pod("app-stranger", image, {})]
    kubectl.apply([namespace, *json.loads(shown.out)["items"], *pods])
    try:
        ready = ("--for=condition=Ready", "pod", "--all", "--namespace", ELSEWHERE, "--timeout=90s")
        kubectl.run("wait", *ready, timeout=100)
        yield
    finally:
        kubectl.run("delete", "namespace", ELSEWHERE, "--wait=false")


def _pod(name: str, image: str, labels: dict[str, str]) -> dict[str, object]:
    container = {
        "name": "app",
        "image": image,
        "command": ["sleep", "infinity"],
        "envFrom": [{"secretRef": {"name": "nexusdev"}}],
        "volumeMounts": [{"name": "nexusdev", "mountPath": "/run/nexusdev", "readOnly": True}],
    }
    volume = {"name": "nexusdev", "secret": {"secretName": "nexusdev-files"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": ELSEWHERE, "labels": labels},
        "spec": {"containers": [container], "volumes": [volume], "terminationGracePeriodSeconds": 0},
    }
