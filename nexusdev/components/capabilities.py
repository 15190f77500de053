"""Optional protocols of a component, and their value types. A component has a capability if it has its methods; nothing registers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from nexusdev.components.contract import Change, Credentials
from nexusdev.errors import NexusError
from nexusdev.interfaces import InstanceAccess
from nexusdev.stack.losses import Holding
from nexusdev.stack.model import Service


class Alert(Struct, frozen=True, kw_only=True):
    """An alert that is firing.

    Attributes:
        name: The name of its rule.
        component: The component that it concerns.
        severity: critical, warning or info.
        instance: The service that it concerns; '' for several.
        summary: One sentence that says what is wrong.
        runbook: Where its runbook is.
        since: When it started to fire, in seconds since the epoch; 0.0 if unknown.
    """

    name: str
    component: str
    severity: str = ""
    instance: str = ""
    summary: str = ""
    runbook: str = ""
    since: float = 0.0


class Alarms(Struct, frozen=True, kw_only=True):
    """The alerts that are firing.

    Attributes:
        alerts: The firing alerts.
        trouble: A sentence that says why they are unknown; '' if they are known.
    """

    alerts: tuple[Alert, ...] = ()
    trouble: str = ""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """Why a server exited.

    Attributes:
        why: The cause, as in an error.
        hint: What to type next, as in an error.
        code: The code of the error.
    """

    why: str
    hint: str
    code: str


class ImageCheck(Struct, frozen=True, kw_only=True):
    """A check that a program of an image runs on files, before containers are created from that image.

    Attributes:
        image: Reference of the image.
        files: Name → file on this machine; the script finds them in its working folder.
        script: Script for /bin/sh.
        interpret: Turns the exit code and the output lines into an error; returns None if the files are valid.
    """

    image: str
    files: Mapping[str, Path]
    script: str
    interpret: Callable[[int, Sequence[str]], NexusError | None]


@runtime_checkable
class RenewsCredentials(Protocol):
    """A component that publishes a credential that expires."""

    def refresh(self, access: InstanceAccess) -> Sequence[Change]:
        """Renew the credential for its full lifetime, or replace it.

        Returns:
            What was replaced; empty if the published values stay valid.

        Raises:
            SeedingFailed: A server does not answer or rejects the change.
        """


@runtime_checkable
class KeepsCredentials(Protocol):
    """A component that stores copies of the other components' credentials for their consumers."""

    def update_credentials(self, access: InstanceAccess, credentials: Mapping[str, Credentials]) -> Sequence[Change]:
        """Write rotated credentials to where the consumers read them.

        Args:
            access: The instance.
            credentials: The credentials of every published component, by its name.

        Returns:
            What changed.

        Raises:
            SeedingFailed: A server does not answer or rejects the change.
        """


@runtime_checkable
class AlertSource(Protocol):
    """A component that monitors the others."""

    def alarms(self, access: InstanceAccess) -> Alarms:
        """Return the firing alerts within half a second. Never raises for a server that is down."""

    def coverage(self, facts: Any) -> Mapping[str, float]:
        """Return how much of the running stack is monitored. Pure.

        Returns:
            ``services`` (how many run), ``scraped`` (how many of them are scraped) and ``coverage`` (from 0 to 1).
        """


class QueryResult(Struct, frozen=True, kw_only=True):
    """The answer to a PromQL query.

    Attributes:
        data: As Prometheus returns it: ``resultType`` (vector, matrix, scalar, string) and ``result``.
        warnings: Its warnings and notes.
    """

    data: Mapping[str, Any]
    warnings: tuple[str, ...] = ()


class TimeRange(Struct, frozen=True, kw_only=True):
    """A range of time.

    Attributes:
        begin: The first point, in seconds since the epoch.
        end: The last point, likewise.
        step: Seconds between two points.
    """

    begin: float
    end: float
    step: float


class Silent(Exception):
    """No server answers the query. Only the state of the containers shows why."""


class MetricsClient(Protocol):
    """Runs PromQL queries."""

    def ask(self, query: str) -> QueryResult:
        """Return the present values.

        Raises:
            UsageError: The query is invalid.
            Degraded: The query failed.
            Silent: No server answers.
        """

    def ask_over(self, query: str, time_range: TimeRange) -> QueryResult:
        """Return the values at each point of a time range. Raises the same."""

    def names(self) -> Sequence[str]:
        """Return the names of all metrics; none if the server does not list them. Raises Silent."""


@runtime_checkable
class MetricsSource(Protocol):
    """A component that stores metrics of all services."""

    def metrics_client(self, access: InstanceAccess, *, timeout: float) -> MetricsClient:
        """Return a client.

        Args:
            access: The instance.
            timeout: Seconds for each of connecting and replying.
        """


@runtime_checkable
class ValidatesConfig(Protocol):
    """A component whose own files are checked before anything starts. Each method gets the component's services."""

    def files(self, services: Sequence[Service]) -> Sequence[Path]:
        """Return the files to check. They are not checked again until one of them changes."""

    def check(self, services: Sequence[Service]) -> None:
        """Read and check the files.

        Raises:
            InvalidConfig: A file is invalid; the error names file and line.
        """

    def image_checks(self, services: Sequence[Service]) -> Sequence[ImageCheck]:
        """Return the checks that only a program of one of its images can do."""


@runtime_checkable
class ExplainsExit(Protocol):
    """A component that explains an exit from the last log lines."""

    def explain(self, service: str, log: Sequence[str]) -> Diagnosis | None:
        """Return why this server exited; None if the log lines do not tell. Pure."""


@runtime_checkable
class HoldsData(Protocol):
    """A component that describes what its servers keep on their volumes, and how lost volumes are rebuilt."""

    def holdings(self) -> Sequence[Holding]:
        """Return one entry for each group of services that has volumes. A lost volume of any other group starts empty."""


@runtime_checkable
class Resettable(Protocol):
    """A component in which the data of a single server can be removed: nothing else depends on it, and the server starts empty."""

    def data_loss(self, service: Service) -> str:
        """Return what is lost with the data of this service; '' if its data cannot be reset alone."""
