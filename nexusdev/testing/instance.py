"""The fixture ``nexus``: the instance that the tests use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nexusdev.api_queries import succeeded
from nexusdev.testing.resources import ConcealedVariables

if TYPE_CHECKING:
    from nexusdev.interfaces import LogLine
    from nexusdev.testing.run import TestRun


class NexusInstance:
    """The running instance that the tests use. It is shared by all workers; nothing here changes it."""

    def __init__(self, run: TestRun) -> None:
        self._run = run

    @property
    def name(self) -> str:
        """Name of the instance."""
        return self._run.instance.name

    def env(self) -> Mapping[str, str]:
        """Return the instance's own variables: name → value. Tests use those of ``nexus_env``."""
        return ConcealedVariables(self._run.values)

    def logs(self, names: Sequence[str] = (), *, since: str = "1m", tail: int | None = None) -> Sequence[LogLine]:
        """Return the log lines of these components or services (empty: of all), merged by time.

        Args:
            names: Components or services.
            since: Only lines newer than ``90s``, ``10m``, or a timestamp.
            tail: Number of lines per service.
        """
        from nexusdev.operations.logs import collect

        return succeeded(collect(self._run.fresh_context(), names, since=since, tail=tail)).lines

    def wait_ready(self, component: str) -> None:
        """Wait until a component is ready.

        Raises:
            NotReadyInTime: The timeout passed.
        """
        from nexusdev.operations.wait import wait

        succeeded(wait(self._run.fresh_context(), component, "ready"))
