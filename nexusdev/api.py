"""The Python API: a stack that a program opens, brings up, asks and takes down, without the command line.

Every method does what the command of its name does, and raises a ``NexusError`` where the command would end with a failure. Nothing is
printed; a ``listener`` hears the progress.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from nexusdev.context import open_context
from nexusdev.errors import UsageError

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.events import Listener
    from nexusdev.operations.destroy import DestroyResult
    from nexusdev.operations.down import DownResult
    from nexusdev.operations.env import EnvResult
    from nexusdev.operations.lifecycle import StartResult, StopResult
    from nexusdev.operations.seed import SeedResult
    from nexusdev.operations.status import StatusResult
    from nexusdev.operations.up import UpResult
    from nexusdev.operations.wait import WaitResult
    from nexusdev.results import Result

R = TypeVar("R", bound="Result")


def open(  # noqa: A001 - the name that a reader expects
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
        runtime: Where the instance runs: ``docker``.
        profile: The part of the stack that ``up`` brings up: ``full`` or ``core``.
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


class StackHandle:
    """One instance of the stack. Leaving its ``with`` block lets go of connections; the stack goes on running until ``down``."""

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
        """Let go of the connections. The stack itself goes on running. Twice is the same as once."""
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

        return _succeeded(up(self._context(), components, move_ports=move_ports))

    def status(self) -> StatusResult:
        """Ask every server once for its role and state. Changes nothing.

        Raises:
            NotFound: There is no such instance.
        """
        from nexusdev.operations.status import status

        return _succeeded(status(self._context()))

    def env(self, *, view: str = "host", proof: bool = True) -> EnvResult:
        """Return the variables that applications read, each endpoint proven to be this instance.

        Args:
            view: From where they will be used: ``host`` or ``container``.
            proof: False for what was stored, without asking the servers.

        Raises:
            NotFound: Nothing of it runs, or it was never brought up.
            Degraded: A component is not ready.
            IdentityMismatch: Something answers that is not this instance.
        """
        from nexusdev.operations.env import env

        return _succeeded(env(self._context(), view=view, proof=proof))

    def wait(self, target: str, condition: str = "ready") -> WaitResult:
        """Wait until a component or a service is ``ready``, ``writable``, ``unsealed`` or ``down``.

        Raises:
            NotReadyInTime: The timeout passed.
            CrashedDuringStart: It crashed meanwhile.
            NotFound: There is no such instance.
            UsageError: There is no such target or condition.
        """
        from nexusdev.operations.wait import wait

        return _succeeded(wait(self._context(), target, condition))

    def seed(self, components: Sequence[str] = ()) -> SeedResult:
        """Seed these components (empty: all that run), then apply the project's own seed files.

        Raises:
            NotFound: A component does not run.
            SeedingFailed: A server refused a step.
        """
        from nexusdev.operations.seed import seed

        return _succeeded(seed(self._context(), components))

    def stop(self, names: Sequence[str] = ()) -> StopResult:
        """Stop the containers of these components or services (empty: of all). Everything stays until ``start``.

        Raises:
            NotFound: The instance has no containers.
        """
        from nexusdev.operations.lifecycle import stop

        return _succeeded(stop(self._context(), names))

    def start(self, names: Sequence[str] = ()) -> StartResult:
        """Start what is stopped, and wait until it is ready.

        Raises:
            NotFound: The instance has no containers.
            NotReadyInTime: The timeout passed.
        """
        from nexusdev.operations.lifecycle import start

        return _succeeded(start(self._context(), names))

    def restart(self, names: Sequence[str] = ()) -> StartResult:
        """Stop and start, and wait until it is ready.

        Raises:
            NotFound: The instance has no containers.
            NotReadyInTime: The timeout passed.
        """
        from nexusdev.operations.lifecycle import restart

        return _succeeded(restart(self._context(), names))

    def down(self) -> DownResult:
        """Remove the containers and the network; the data stays.

        Raises:
            TeardownIncomplete: Something is left.
        """
        from nexusdev.operations.down import down

        return _succeeded(down(self._context()))

    def destroy(self) -> DestroyResult:
        """Remove everything of the instance, its data and secrets too. Does not ask.

        Raises:
            TeardownIncomplete: Something is left, or containers of others use it.
            Locked: Another process works on this instance.
        """
        from nexusdev.operations.destroy import destroy

        return _succeeded(destroy(self._context()))

    def _context(self) -> Context:
        """A context for one call: what one call has read is not what the next one must find."""
        if self._given is None:
            raise UsageError("this stack is closed", hint="nexusdev.open(project)   open it again")
        return replace(self._given)


def _succeeded(result: R) -> R:
    """The result of an operation; the failure with which it ended is raised."""
    if result.error is not None:
        raise result.error
    return result
