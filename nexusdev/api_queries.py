"""The methods of a stack's handle that change nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from nexusdev.context import Context
    from nexusdev.operations.config import ConfigResult
    from nexusdev.operations.doctor import DoctorResult
    from nexusdev.operations.env import EnvResult
    from nexusdev.operations.images import ImageListResult
    from nexusdev.operations.lease_results import LeasesResult
    from nexusdev.operations.logs import LogsResult
    from nexusdev.operations.ls import ListResult
    from nexusdev.operations.metrics import MetricsResult
    from nexusdev.operations.ports import PortsResult
    from nexusdev.operations.status import StatusResult
    from nexusdev.operations.timings import TimingsResult
    from nexusdev.operations.urls import UrlsResult
    from nexusdev.operations.version import VersionResult
    from nexusdev.operations.wait import WaitResult
    from nexusdev.results import Result

R = TypeVar("R", bound="Result")


class StackQueries(ABC):
    """Questions to one instance of the stack."""

    @abstractmethod
    def _context(self) -> Context:
        """Return a context for one call."""

    def status(self) -> StatusResult:
        """Ask every server once for its role and state. Changes nothing.

        Raises:
            NotFound: There is no such instance.
        """
        from nexusdev.operations.status import status

        return succeeded(status(self._context()))

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

        return succeeded(env(self._context(), view=view, proof=proof))

    def leases(self) -> LeasesResult:
        """Return the leases of the instance; those that have expired are dropped first.

        Raises:
            NotFound: There is no such instance.
        """
        from nexusdev.operations.lease import list_leases

        return succeeded(list_leases(self._context()))

    def wait(self, target: str, condition: str = "ready") -> WaitResult:
        """Wait until a component or a service is ``ready``, ``writable``, ``unsealed`` or ``down``.

        Raises:
            NotReadyInTime: The timeout passed.
            CrashedDuringStart: It crashed meanwhile.
            NotFound: There is no such instance.
            UsageError: There is no such target or condition.
        """
        from nexusdev.operations.wait import wait

        return succeeded(wait(self._context(), target, condition))

    def urls(self) -> UrlsResult:
        """Return the URLs of everything that was started, without passwords.

        Raises:
            NotFound: There is no such instance.
        """
        from nexusdev.operations.urls import urls

        return succeeded(urls(self._context()))

    def ports(self) -> PortsResult:
        """Return every published port, its service, and who listens on it.

        Raises:
            NotFound: There is no such instance.
        """
        from nexusdev.operations.ports import ports

        return succeeded(ports(self._context()))

    def logs(self, names: Sequence[str] = (), *, since: str | None = None, tail: int | None = None) -> LogsResult:
        """Return the log lines of these components or services (empty: of all), merged by time.

        Args:
            names: Components or services.
            since: Only lines newer than ``90s``, ``10m``, ``1h30m``, or a timestamp.
            tail: Number of lines per service.

        Raises:
            NotFound: The instance has no containers.
            UsageError: A name or a time is invalid.
        """
        from nexusdev.operations.logs import collect

        return succeeded(collect(self._context(), names, since=since, tail=tail))

    def metrics(self, query: str, *, over: str | None = None, step: str | None = None) -> MetricsResult:
        """Run a PromQL query.

        Args:
            query: The expression.
            over: Length of the time range, such as ``15m``; None for the current values.
            step: Interval between the points of a range.

        Raises:
            UsageError: Prometheus refuses the query, or a time is invalid.
            NotFound: Monitoring was not started.
            Degraded: Prometheus does not answer.
        """
        from nexusdev.operations.metrics import metrics

        return succeeded(metrics(self._context(), query, over=over, step=step))

    def timings(self) -> TimingsResult:
        """Return how long each step of the last ``up`` took.

        Raises:
            NotFound: There was none.
        """
        from nexusdev.operations.timings import timings

        return succeeded(timings(self._context()))

    def doctor(self) -> DoctorResult:
        """Run all checks of the engine, the instance and this machine. A failed check is a part of the result, not raised."""
        from nexusdev.operations.doctor import doctor

        return doctor(self._context())

    def images(self) -> ImageListResult:
        """Return the images of the stack: version, presence in the engine, sources."""
        from nexusdev.operations.images import listing

        return succeeded(listing(self._context()))

    def instances(self) -> ListResult:
        """Return all instances on this machine, as ``nexusdev ls`` lists them."""
        from nexusdev.operations.ls import ls

        return succeeded(ls(self._context()))

    def config(self) -> ConfigResult:
        """Return every setting, its value and where it comes from."""
        from nexusdev.operations.config import show

        return succeeded(show(self._context(), origin=True))

    def version(self) -> VersionResult:
        """Return the versions of nexusdev, Python, the engine and the stack."""
        from nexusdev.operations.version import version

        return succeeded(version(self._context()))


def succeeded(result: R) -> R:
    """Return the result of an operation; raise the failure with which it ended."""
    if result.error is not None:
        raise result.error
    return result
