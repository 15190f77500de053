"""The Python API: a program opens a stack, brings it up, queries it and takes it down, without the command line.

Every method does what the command of its name does, and raises a ``NexusError`` where the command would end with a failure. Nothing is
printed; a ``listener`` hears the progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING

from msgspec.structs import replace

from nexusdev.api_queries import StackQueries, succeeded
from nexusdev.context import open_context
from nexusdev.errors import UsageError

if TYPE_CHECKING:
    from nexusdev.api_lease import LeaseHandle
    from nexusdev.context import Context
    from nexusdev.events import Listener
    from nexusdev.operations.adopt import AdoptResult
    from nexusdev.operations.destroy import DestroyResult
    from nexusdev.operations.down import DownResult
    from nexusdev.operations.exec import ProgramResult
    from nexusdev.operations.lease_results import LeaseDropResult
    from nexusdev.operations.lifecycle import StartResult, StopResult
    from nexusdev.operations.seed import SeedResult
    from nexusdev.operations.up import UpResult


def open(  # noqa: A001 - the usual name for this function
    project: str | PathLike[str] | None = None,
    *,
    instance: str | None = None,
    runtime: str | None = None,
    profile: str | None = None,
    timeout: float | str | None = None,
    offline: bool | None = None,
    strict: bool | None = None,
    env_file: str | PathLike[str] | None = None,
    listener: Listener | None = None,
) -> StackHandle:
    """Open the stack of a project. Nothing is started, and no engine is asked yet.

    A setting that is not given comes from the environment, ``nexusdev.toml`` and the user's configuration, as for the commands.

    Args:
        project: A folder in the project; None for the current folder.
        instance: Name of the instance; None for the one of the project's path.
        runtime: Where the instance runs: a name of ``runtimes/registry.py``; None for that of the settings.
        profile: The part of the stack that ``up`` brings up: ``full``, ``core`` or ``lite``.
        timeout: How long one call may wait in all: seconds, or ``90s``, ``10m``, ``1h``.
        offline: Use only images that the engine has.
        strict: Fail where an optional service cannot be had.
        env_file: The file that ``up`` writes, relative to the current folder.
        listener: Hears every event, from any thread.

    Returns:
        A handle, to be used by one thread at a time; several handles do not share anything.

    Raises:
        InvalidConfig: A setting cannot be used.
        NotFound: There is no such folder.
    """
    flags = {
        "instance": instance,
        "runtime": runtime,
        "profile": profile,
        "timeout": timeout,
        "offline": offline,
        "strict": strict,
        "env_file": Path(env_file) if env_file is not None else None,
    }
    doubles = {"listener": listener} if listener is not None else {}
    return StackHandle(open_context(Path(project) if project is not None else None, flags=flags, **doubles))


class StackHandle(StackQueries):
    """One instance of the stack. Leaving its ``with`` block closes connections; the stack keeps running until ``down``."""

    def __init__(self, context: Context) -> None:
        """Wrap an existing context; programs call ``nexusdev.open``."""
        self._given: Context | None = context

    def __enter__(self) -> StackHandle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. The stack keeps running. Calling it twice has no effect."""
        self._given = None

    @property
    def instance(self) -> str:
        """Name of the instance."""
        return self._context().identity.name

    def up(self, components: Sequence[str] = (), *, move_ports: bool = False) -> UpResult:
        """Start the stack, wait until it is ready, seed it, prove it, and write the env file. A second time it changes nothing.

        Args:
            components: Only these and what they need; empty for the whole profile.
            move_ports: Take another block of host ports.

        Raises:
            PreflightFailed: The engine is absent, too old or not allowed.
            PortInUse: A port of the instance's block belongs to another program.
            ImageUnavailable: No source could deliver an image.
            CrashedDuringStart: A container ended while it was waited for.
            NotReadyInTime: The timeout passed.
            SeedingFailed: A server refused a seed step.
            VolumeLost: A data volume is gone.
            Locked: Another process worked on this instance until the timeout passed.
        """
        from nexusdev.operations.up import up

        return succeeded(up(self._context(), components, move_ports=move_ports))

    def seed(self, components: Sequence[str] = ()) -> SeedResult:
        """Seed these components (empty: all that run), then apply the project's own seed files.

        Raises:
            NotFound: A component does not run.
            SeedingFailed: A server refused a step.
        """
        from nexusdev.operations.seed import seed

        return succeeded(seed(self._context(), components))

    def lease(self, name: str = "", *, ttl: float | str = "1h", template: str = "") -> LeaseHandle:
        """Create an isolated slice of the running stack: a database, a Redis user, a bucket and a Vault path of its own.

        Args:
            name: Its name: at most 40 lower-case letters, digits and single dashes; '' for a generated one.
            ttl: Its lifetime: ``90s``, ``1h``, ``2d`` or seconds, at most 30 days.
            template: Name of a lease whose database is copied. Nobody can connect to that lease's database afterwards.

        Returns:
            The lease. Leaving its ``with`` block drops it.

        Raises:
            UsageError: The name is invalid or taken, or the lifetime is invalid.
            NotFound: There is no such instance or template.
            SeedingFailed: A server does not answer or rejects a change; nothing is left.
        """
        from nexusdev.api_lease import LeaseHandle
        from nexusdev.operations.lease import create

        made = succeeded(create(self._context(), name, ttl=ttl, template=template))
        return LeaseHandle(made.lease, self._context)

    def drop_leases(self, *, expired: bool = False) -> LeaseDropResult:
        """Drop all leases, or those that have expired or whose creation was interrupted.

        Raises:
            NotFound: There is no such instance.
            SeedingFailed: A server does not answer or rejects a change.
        """
        from nexusdev.operations.lease import drop

        return succeeded(drop(self._context(), expired=expired, everything=not expired))

    def stop(self, names: Sequence[str] = ()) -> StopResult:
        """Stop the containers of these components or services (empty: of all). Everything stays until ``start``.

        Raises:
            NotFound: The instance has no containers.
        """
        from nexusdev.operations.lifecycle import stop

        return succeeded(stop(self._context(), names))

    def start(self, names: Sequence[str] = ()) -> StartResult:
        """Start what is stopped, and wait until it is ready.

        Raises:
            NotFound: The instance has no containers.
            NotReadyInTime: The timeout passed.
        """
        from nexusdev.operations.lifecycle import start

        return succeeded(start(self._context(), names))

    def restart(self, names: Sequence[str] = ()) -> StartResult:
        """Stop and start, and wait until it is ready.

        Raises:
            NotFound: The instance has no containers.
            NotReadyInTime: The timeout passed.
        """
        from nexusdev.operations.lifecycle import restart

        return succeeded(restart(self._context(), names))

    def exec(self, service: str, argv: Sequence[str], *, stdin: IO[bytes] | None = None) -> ProgramResult:
        """Run a program in the container of a service and return its output.

        Args:
            service: Name of the service, such as ``postgresql-0``.
            argv: The program and its arguments.
            stdin: What it reads; None for nothing.

        Returns:
            Its output and exit code. A failing program is no error.

        Raises:
            NotFound: The service does not run.
        """
        from nexusdev.operations.exec import collect, in_service

        context = self._context()
        return collect(in_service(context, service, argv), stdin, instance=context.identity.name)

    def run(self, argv: Sequence[str], *, proof: bool = True) -> ProgramResult:
        """Run a command on this machine with the stack's variables and return its output.

        Args:
            argv: The command and its arguments.
            proof: False to skip the check of the endpoints.

        Returns:
            Its output and exit code. A failing command is no error.

        Raises:
            NotFound: There is no such command, or the instance does not run.
            Degraded: A component is not ready.
            IdentityMismatch: Something answers that is not this instance.
        """
        from nexusdev.operations.run import capture, command

        context = self._context()
        return capture(command(context, argv, proof=proof), instance=context.identity.name)

    def adopt(self) -> AdoptResult:
        """Assign an existing instance to this folder after the project was moved. Does not ask.

        Raises:
            NotFound: There is nothing to adopt.
            IdentityMismatch: The former folder still exists, or this folder has an instance with data.
        """
        from nexusdev.operations.adopt import adopt

        return succeeded(adopt(self._context()))

    def down(self) -> DownResult:
        """Remove the containers and the network; the data stays.

        Raises:
            TeardownIncomplete: Something is left.
        """
        from nexusdev.operations.down import down

        return succeeded(down(self._context()))

    def destroy(self, *, snapshot: bool = False) -> DestroyResult:
        """Remove everything of the instance, its data and secrets too. Does not ask.

        Args:
            snapshot: Save the data first, as the snapshot ``before-destroy``.

        Raises:
            TeardownIncomplete: Something is left, or containers of others use it.
            Locked: Another process works on this instance.
        """
        from nexusdev.operations.destroy import destroy

        return succeeded(destroy(self._context(), snapshot=snapshot))

    def _context(self) -> Context:
        """A context for one call: what one call has read is not what the next one must find."""
        if self._given is None:
            raise UsageError("this stack is closed", hint="nexusdev.open(project)   open it again")
        return replace(self._given)
