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
    """The output of a program and its exit code."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Attachable(Protocol):
    """A program that can be run with given streams."""

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run the program with these streams.

        Args:
            stdin: Its standard input; None for none.
            stdout: Receives its standard output.
            stderr: Receives its standard error.
            tty: Whether it gets a terminal.

        Returns:
            The exit code of the program.
        """
        ...


class Call(Struct, frozen=True, kw_only=True):
    """A program and the service whose container runs it.

    Attributes:
        reads_stdin: Whether the program may read its standard input, judged by its arguments.
    """

    runtime: Runtime
    service: str
    argv: tuple[str, ...]
    reads_stdin: bool = True

    def attach(self, stdin: IO[bytes] | None, stdout: IO[bytes], stderr: IO[bytes], *, tty: bool) -> int:
        """Run the program with these streams. Returns its exit code."""
        return self.runtime.attach(self.service, self.argv, stdin=stdin, stdout=stdout, stderr=stderr, tty=tty)


def collect(call: Attachable, stdin: IO[bytes] | None = None, *, instance: str = "") -> ProgramResult:
    """Run a program without a terminal and return its output. A failing program is not an error; see ``exit_code``.

    Args:
        call: The program.
        stdin: Its standard input; None for none.
        instance: Name of the instance, for the result.
    """
    out, err = io.BytesIO(), io.BytesIO()
    code = call.attach(stdin, out, err, tty=False)
    return ProgramResult(instance=instance, exit_code=code, stdout=out.getvalue(), stderr=err.getvalue())


def in_service(context: Context, service: str, argv: Sequence[str]) -> Call:
    """Return a command to run in the container of a service.

    Raises:
        NotFound: The service or the whole instance does not run (exit 3).
        UsageError: The service is unknown, which names the most similar ones, or ``argv`` is empty (exit 2).
    """
    runtime = context.runtime()
    observation = runtime.observe()
    if not argv:
        raise UsageError("no command given", hint=f"nexusdev exec {service} -- COMMAND [ARGUMENT]...")
    return Call(runtime=runtime, service=_running(service, observation, context).service, argv=tuple(argv))


def shell(context: Context, service: str) -> Call:
    """Return a shell in the container of a service."""
    return in_service(context, service, SHELL)


def client(context: Context, component: str, arguments: Sequence[str]) -> Call:
    """Return the product's own client, in a running container that has it.

    Args:
        context: The context of the command.
        component: The component of the product.
        arguments: Arguments of the client.
    """
    found = context.components[component].client(arguments)
    if found is None:
        raise UsageError(f"{component} has no client")
    runtime = context.runtime()
    service = _host(found, component, runtime.observe(), context)
    return Call(runtime=runtime, service=service, argv=found.argv, reads_stdin=found.reads_stdin)


def _host(found: Client, component: str, observation: Observation, context: Context) -> str:
    """Return the first running service of the client's group."""
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
