"""A machine with kind, docker and an engine, in memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nexusdev.errors import NotFound
from nexusdev.runtimes.docker.http_client import EngineEndpoint
from nexusdev.runtimes.kind.commands import Outcome, no_program


class FakeMachine:
    """``Commands`` and the engine of one machine. Clusters are containers with a label, as kind makes them.

    Attributes:
        programs: Path or name of a program → the version that it prints; what is not here does not exist.
        failures: The first words of a command (``kind create``, ``docker exec``) → what it writes to stderr.
        containers: Name → state, labels and published ports.
        loaded: Container → full name of an image → its labels.
        calls: Every command with its arguments.
        environments: The added variables of every command.
        started_at: When the containers were started.
    """

    def __init__(self) -> None:
        self.programs = {"kind": "kind v0.30.0 go1.26 linux/amd64", "docker": "Docker version 27.0.1"}
        self.failures: dict[str, str] = {}
        self.containers: dict[str, dict[str, Any]] = {}
        self.loaded: dict[str, dict[str, str]] = {}
        self.image_labels: Mapping[str, str] = {}
        self.calls: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []
        self.inputs: list[bytes] = []
        self.started_at = "2026-01-01T00:00:00Z"

    # Commands

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: Iterable[bytes] = (),
        environment: Mapping[str, str] | None = None,
        timeout: float,
        keeps: Sequence[int] = (),
    ) -> Outcome:
        assert timeout > 0
        assert all(os.fstat(each) for each in keeps)
        program = Path(argv[0]).name
        if argv[0] not in self.programs and program not in self.programs:
            raise no_program(argv[0])
        self.calls.append(list(argv))
        self.environments.append(environment or {})
        self.inputs.append(b"".join(stdin))
        if words := self.failures.get(f"{program} {argv[1]}"):
            return Outcome(code=1, words=words)
        return getattr(self, f"_{program}_{argv[1].replace('-', '_')}", self._version)(list(argv))

    def _version(self, argv: list[str]) -> Outcome:
        return Outcome(code=0, output=self.programs.get(argv[0], "").encode())

    def _kind_create(self, argv: list[str]) -> Outcome:
        options = dict(zip(argv[3::2], argv[4::2], strict=True))
        labels = {**self.image_labels, "io.x-k8s.kind.cluster": options["--name"]}
        self.containers[f"{options['--name']}-control-plane"] = {"running": True, "labels": labels}
        Path(options["--kubeconfig"]).write_text("created")
        return Outcome(code=0)

    def _kind_delete(self, argv: list[str]) -> Outcome:
        self.containers.pop(f"{argv[argv.index('--name') + 1]}-control-plane", None)
        return Outcome(code=0)

    def _kind_export(self, argv: list[str]) -> Outcome:
        Path(argv[argv.index("--kubeconfig") + 1]).write_text("exported")
        return Outcome(code=0)

    def _docker_exec(self, argv: list[str]) -> Outcome:
        node, command = argv[3], argv[4:]
        images = self.loaded.setdefault(node, {})
        match command[4] if command[:1] == ["ctr"] else "":
            case "ls":
                rows = [f"{name} type digest 1MiB linux/amd64 {labels}" for name, labels in images.items()]
                return Outcome(code=0, output="\n".join(["REF TYPE DIGEST SIZE PLATFORMS LABELS", *rows]).encode())
            case "label":
                images[command[5]] = f"io.cri-containerd.image=managed,{command[6]}"
        return Outcome(code=0)

    # Engine

    endpoint = EngineEndpoint(url="unix:///var/run/docker.sock", origin="a test")

    @property
    def http(self) -> FakeMachine:
        return self

    @property
    def api(self) -> FakeMachine:
        return self

    def with_timeout(self, timeout: float) -> FakeMachine:
        assert timeout > 0
        return self

    def inspect_container(self, name: str) -> Mapping[str, Any]:
        found = self.containers.get(name)
        if found is None:
            raise NotFound(f"no such container: {name}")
        return {
            "State": {"Running": found["running"], "StartedAt": self.started_at},
            "Config": {"Labels": found["labels"], "Image": "nexusdev/kind-node:1"},
            "HostConfig": {"PortBindings": {"30010/tcp": [{"HostIp": "127.0.0.1", "HostPort": "21010"}]}},
        }

    def start(self, name: str) -> None:
        self.containers[name]["running"] = True

    def kill(self, name: str, signal: str) -> None:
        self.containers[name]["running"] = signal != "SIGRTMIN+3"

    def wait(self, name: str, timeout: int) -> None:
        assert timeout > 0
        assert not self.containers[name]["running"]

    def stop(self, name: str, timeout: int) -> None:
        assert timeout > 0
        self.containers[name]["running"] = False
