"""The program kind, and its errors in the words of this project."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from nexusdev.errors import NexusError, PortInUse, PreflightFailed
from nexusdev.runtimes.kind.commands import ProgramRunner

_CREATE = 600.0  # seconds; 30 on a quiet machine
_QUICK = 120.0
_LINES = 6
_PORT = re.compile(r"(?:Bind for \S*?:|listen tcp4? \S*?:)(\d+)\b.*(?:already allocated|already in use)")
_PRIVILEGED = re.compile(
    r"unable to apply caps|operation not permitted|privileged mode is (?:incompatible|disabled)|rootless", re.IGNORECASE
)
_NO_IMAGE = re.compile(r"(?:No such image|pull access denied|manifest unknown|failed to pull image)[^\n]*")


class KindCli(Struct, frozen=True, kw_only=True):
    """kind on one engine.

    Attributes:
        program: Path of the program.
        network: The engine's network that nodes join.
        engine: DOCKER_HOST and what belongs to it, for the docker command that kind runs.
    """

    commands: ProgramRunner
    program: str
    network: str
    engine: Mapping[str, str] = field(default_factory=dict)

    def create(
        self, name: str, configuration: bytes, *, image: str, kubeconfig: Path, keeps: Sequence[int] = ()
    ) -> None:
        """Create a cluster. What a failed attempt left is removed by kind.

        Args:
            name: The cluster.
            configuration: Its configuration.
            image: The node image.
            kubeconfig: The file that gets the access; no other is touched.
            keeps: File descriptors that kind keeps open until it ends.

        Raises:
            PortInUse: Another program has one of its host ports.
            PreflightFailed: The engine does not run such a node.
        """
        arguments = ("create", "cluster", "--name", name, "--image", image, "--config", "-")
        self._run(*arguments, "--kubeconfig", str(kubeconfig), stdin=configuration, timeout=_CREATE, keeps=keeps)

    def delete(self, name: str, kubeconfig: Path) -> None:
        """Remove the nodes of a cluster with their volumes. A cluster that does not exist is no error."""
        self._run("delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig))

    def export_kubeconfig(self, name: str, kubeconfig: Path) -> None:
        """Write the access to a running cluster again."""
        self._run("export", "kubeconfig", "--name", name, "--kubeconfig", str(kubeconfig))

    def _run(self, *arguments: str, stdin: bytes = b"", timeout: float = _QUICK, keeps: Sequence[int] = ()) -> None:
        environment = {
            **self.engine,
            "KIND_EXPERIMENTAL_DOCKER_NETWORK": self.network,
            "KIND_EXPERIMENTAL_PROVIDER": "docker",
        }
        pieces = (stdin,) if stdin else ()
        done = self.commands.run(
            [self.program, *arguments], stdin=pieces, environment=environment, timeout=timeout, keeps=keeps
        )
        if done.code:
            raise translated(done.words, " ".join(arguments[:2]))


def translated(words: str, command: str) -> NexusError:
    """Return the error for what kind wrote to stderr.

    Args:
        words: All of it.
        command: What kind was asked for: ``create cluster``.
    """
    evidence = tuple(line.strip() for line in words.splitlines() if line.strip())[-_LINES:]
    if port := _PORT.search(words):
        return PortInUse(
            f"port {port[1]} of the cluster's node is in use",
            hint=f"nexusdev ports   show who has it\nss -ltnp 'sport = :{port[1]}'",
            evidence=evidence,
        )
    if _NO_IMAGE.search(words):
        return PreflightFailed(
            "the node image is not in the engine",
            why=(_NO_IMAGE.search(words) or [""])[0].strip(),
            hint="nexusdev images build kind-node   or, with a registry: nexusdev images pull kind-node",
            evidence=evidence,
            code="NODE_IMAGE",
        )
    if _PRIVILEGED.search(words):
        return PreflightFailed(
            "the engine does not run privileged containers, and a node of kind is one",
            why=(_PRIVILEGED.search(words) or [""])[0],
            hint="docker run --rm --privileged nexusdev/base:local true   try it\n"
            "scripts/engine   for an engine that this script started on a machine without CAP_SYS_RESOURCE",
            evidence=evidence,
            code="NOT_PRIVILEGED",
        )
    first = next((line for line in evidence if line.startswith("ERROR")), evidence[-1] if evidence else "no output")
    return PreflightFailed(
        f"kind {command} failed", why=first.removeprefix("ERROR: "), evidence=evidence, code="KIND_FAILED"
    )
