"""The arguments of kind, and its failures in the words of this project."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.errors import NexusError, PortInUse, PreflightFailed
from nexusdev.runtimes.kind.kind_cli import KindCli, translated
from tests.unit.runtimes.kind.fakes import FakeMachine


def test_a_cluster_is_created_without_touching_another_kubeconfig(tmp_path: Path) -> None:
    machine = FakeMachine()
    kind = KindCli(
        commands=machine, program="kind", network="nexusdev-shop", engine={"DOCKER_HOST": "unix:///var/run/docker.sock"}
    )
    kind.create("nexusdev-shop", b"{}", image="node:1", kubeconfig=tmp_path / "kubeconfig")
    assert machine.calls == [
        [
            *("kind", "create", "cluster", "--name", "nexusdev-shop", "--image", "node:1", "--config", "-"),
            *("--kubeconfig", str(tmp_path / "kubeconfig")),
        ]
    ]
    assert machine.inputs == [b"{}"]
    assert machine.environments == [
        {
            "DOCKER_HOST": "unix:///var/run/docker.sock",
            "KIND_EXPERIMENTAL_DOCKER_NETWORK": "nexusdev-shop",
            "KIND_EXPERIMENTAL_PROVIDER": "docker",
        }
    ]


@pytest.mark.parametrize(
    ("words", "kind", "code", "message"),
    [
        (
            'ERROR: failed to create cluster: command "docker run …" failed\nBind for 127.0.0.1:21010 failed: port is already allocated.',
            PortInUse,
            "PORT_IN_USE",
            "port 21010 of the cluster's node is in use",
        ),
        (
            "listen tcp4 127.0.0.1:21011: bind: address already in use",
            PortInUse,
            "PORT_IN_USE",
            "port 21011 of the cluster's node is in use",
        ),
        (
            "OCI runtime create failed: unable to apply caps: operation not permitted",
            PreflightFailed,
            "NOT_PRIVILEGED",
            "the engine does not run privileged containers, and a node of kind is one",
        ),
        (
            'ERROR: failed to create cluster: failed to pull image "node:1"',
            PreflightFailed,
            "NODE_IMAGE",
            "the node image is not in the engine",
        ),
        ("ERROR: failed to init node", PreflightFailed, "KIND_FAILED", "kind create cluster failed"),
        ("", PreflightFailed, "KIND_FAILED", "kind create cluster failed"),
    ],
)
def test_failures_say_what_to_do(words: str, kind: type[NexusError], code: str, message: str) -> None:
    error = translated(words, "create cluster")
    assert (type(error), error.code, error.message) == (kind, code, message)
