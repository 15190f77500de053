"""The container of a cluster's only node, by the engine and by ``docker exec``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from nexusdev.errors import NexusError, NotFound, RuntimeRefused
from nexusdev.runtimes.docker.connection_errors import translate_engine_errors
from nexusdev.runtimes.docker.observe import seconds
from nexusdev.runtimes.kind.commands import ProgramRunner

if TYPE_CHECKING:
    from nexusdev.runtimes.docker.connection import Engine

NodePhase = Literal["absent", "stopped", "running"]
_LOAD = 1200.0
_QUICK = 60.0
# Seconds until a node that does not end is killed. Its workloads have ended before; systemd would wait for the rest of the control plane,
# whose store survives a kill.
_STOP = 3
_ID_LABEL = "dev.nexus.id"


class NodeState(Struct, frozen=True, kw_only=True):
    """What the engine says about the container.

    Attributes:
        image: Reference of its image.
        ports: The host ports that it publishes once it runs.
        started: When it was last started, in seconds since the epoch.
    """

    phase: NodePhase = "absent"
    labels: Mapping[str, str] = field(default_factory=dict)
    image: str = ""
    ports: frozenset[int] = frozenset()
    started: float = 0.0


class Node(Struct, frozen=True, kw_only=True):
    """The container.

    Attributes:
        name: Its name, which kind gives it.
        engine: The engine that runs it.
        environment: DOCKER_HOST and what belongs to it, for the docker command.
    """

    name: str
    engine: Engine
    commands: ProgramRunner
    environment: Mapping[str, str] = field(default_factory=dict)

    def state(self) -> NodeState:
        """Ask the engine. Raises PreflightFailed if it does not answer."""
        try:
            with translate_engine_errors(self.engine.endpoint):
                return node_state(self.engine.http.inspect_container(self.name))
        except NotFound:
            return NodeState()

    def start(self) -> None:
        """Start it. Raises PreflightFailed."""
        with translate_engine_errors(self.engine.endpoint):
            self.engine.api.start(self.name)

    def stop(self) -> None:
        """Stop it with everything that runs in it. One that does not run is no error.

        The signal is the one that makes systemd end; an image that was committed does not name it.
        """
        api = self.engine.with_timeout(_STOP + 30).api
        with contextlib.suppress(NexusError), translate_engine_errors(self.engine.endpoint):
            api.kill(self.name, signal="SIGRTMIN+3")
            api.wait(self.name, timeout=_STOP)
        with translate_engine_errors(self.engine.endpoint):
            api.stop(self.name, timeout=1)

    def run(self, *argv: str, stdin: Iterable[bytes] = (), timeout: float = _QUICK) -> bytes:
        """Run a command in it and return its output. Raises RuntimeRefused if it fails."""
        command = ["docker", "exec", "--interactive", self.name, *argv]
        done = self.commands.run(command, stdin=stdin, environment=self.environment, timeout=timeout)
        if done.code:
            last = [line for line in done.words.splitlines() if line.strip()][-3:]
            raise RuntimeRefused(
                f"{argv[0]} failed in the node {self.name}", why=last[-1] if last else "", evidence=last
            )
        return done.output

    def image_ids(self) -> frozenset[str]:
        """Return the ids of the images that were loaded into it."""
        return loaded_ids(self.run("ctr", "--namespace", "k8s.io", "images", "ls").decode(errors="replace"))

    def load(self, archive: Iterable[bytes], ids: Mapping[str, str]) -> None:
        """Load an archive of the engine's images.

        Args:
            archive: The archive, in pieces.
            ids: Full name of each image in it → its id in the engine.
        """
        # Without --all-platforms: an archive of a containerd image store names platforms that it does not contain.
        self.run("ctr", "--namespace", "k8s.io", "images", "import", "-", stdin=archive, timeout=_LOAD)
        for name, identifier in ids.items():
            self.run("ctr", "--namespace", "k8s.io", "images", "label", name, f"{_ID_LABEL}={identifier}")


def node_state(told: Mapping[str, Any]) -> NodeState:
    """Return the state from the engine's description of the container."""
    bindings: Mapping[str, Sequence[Mapping[str, str]] | None] = told["HostConfig"].get("PortBindings") or {}
    ports = (each.get("HostPort") for several in bindings.values() for each in several or ())
    return NodeState(
        phase="running" if told["State"].get("Running") else "stopped",
        labels=told["Config"].get("Labels") or {},
        image=told["Config"].get("Image", ""),
        ports=frozenset(int(port) for port in ports if port),
        started=seconds(told["State"].get("StartedAt", "")),
    )


def loaded_ids(listing: str) -> frozenset[str]:
    """Return the engine's ids in the table of ``ctr images ls``, whose last column has the labels."""
    labels = (label for line in listing.splitlines()[1:] for label in line.split()[-1].split(","))
    return frozenset(label.partition("=")[2] for label in labels if label.startswith(f"{_ID_LABEL}="))


def full_name(reference: str) -> str:
    """Return the name by which containerd knows an image: ``nexusdev/redis:8`` → ``docker.io/nexusdev/redis:8``."""
    first, slash, _ = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return reference
    return f"docker.io/{reference}" if slash else f"docker.io/library/{reference}"
