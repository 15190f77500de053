"""exec, shell, psql, redis, s3, vault: run programs inside containers with the caller's streams. The host needs no client."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import IO, Protocol

from msgspec import Struct

from nexusdev.components.contract import Client
from nexusdev.context import Context
from nexusdev.deploy.targets import unknown
from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import Runtime
from nexusdev.plan import Observation, ObservedService
from nexusdev.results import Result
from nexusdev.stack.topology import Topology

# bash if available, else sh; `sh -c` makes the lookup run inside the container.
SHELL = ("sh", "-c", "command -v bash >/dev/null && exec bash || exec sh")


class ProgramResult(Result, frozen=True, kw_only=True):
    """What a program wrote, and its exit code."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Attachable(Protocol):
    """A program that can be run with given streams."""

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run it; its exit code."""
        ...


class Call(Struct, frozen=True, kw_only=True):
    """A program and where to run it.

    reads_stdin  whether its arguments let it read its standard input
    """

    runtime: Runtime
    service: str
    argv: tuple[str, ...]
    reads_stdin: bool = True

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run it with these streams; its exit code."""
        return self.runtime.attach(self.service, self.argv, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)


def collect(call: Attachable, stdin: IO[bytes] | None = None, *, instance: str = "") -> ProgramResult:
    """Run a program without a terminal and return its output. A failing program is no error here: see ``exit_code``."""
    out, err = io.BytesIO(), io.BytesIO()
    code = call.attach(stdin, out, err, tty=False)
    return ProgramResult(instance=instance, exit_code=code, stdout=out.getvalue(), stderr=err.getvalue())


def in_service(context: Context, service: str, argv: Sequence[str]) -> Call:
    """A command in the container of a service. NotFound (3) names the nearest."""
    runtime = context.runtime()
    observation = runtime.observe()
    if not argv:
        raise UsageError("no command given", hint=f"nexusdev exec {service} -- COMMAND [ARGUMENT]...")
    return Call(runtime=runtime, service=_running(service, observation, context).service, argv=tuple(argv))


def shell(context: Context, service: str) -> Call:
    """A shell in the container of a service."""
    return in_service(context, service, SHELL)


def client(context: Context, component: str, arguments: Sequence[str]) -> Call:
    """The product's own client, in a container that has it and runs."""
    found = context.components[component].client(arguments)
    if found is None:
        raise UsageError(f"{component} has no client")
    runtime = context.runtime()
    service = _host(found, component, runtime.observe(), context)
    return Call(runtime=runtime, service=service, argv=found.argv, reads_stdin=found.reads_stdin)


def _host(found: Client, component: str, observation: Observation, context: Context) -> str:
    """The first service of the client's group that runs."""
    if component not in observation.components:
        raise NotFound(
            f"{component} is not running in instance {context.identity.name}", hint=f"nexusdev up {component}"
        )
    stack = context.stack(context.instance())
    members = Topology(services=stack.services).members(component, found.group)
    running = (name for name in members if name in observation.services and observation.services[name].runs)
    return next(running, "") or _running(members[0], observation, context).service


def _running(service: str, observation: Observation, context: Context) -> ObservedService:
    found = observation.services.get(service)
    if found is None and observation.services:
        raise unknown(service, observation.services, kind="service", hint="nexusdev exec {} -- …")
    if found is None:
        raise NotFound(f"instance {context.identity.name} has no containers", hint="nexusdev up")
    if not found.runs:
        raise NotFound(
            f"{service} is not running", why=f"its container is {found.word}", hint=f"nexusdev start {service}"
        )
    return found
