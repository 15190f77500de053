"""logs: prints the servers' logs, merged by time, each line with the name of its service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime

from nexusdev.context import Context
from nexusdev.deploy.targets import services_of
from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import LogLine
from nexusdev.results import Result
from nexusdev.util import durations


class LogsResult(Result, frozen=True, kw_only=True):
    """Log lines of several services, merged by time."""

    services: tuple[str, ...]
    lines: tuple[LogLine, ...]


def collect(
    context: Context,
    names: Sequence[str] = (),
    *,
    since: str | None = None,
    tail: int | None = None,
    follow: bool = False,
) -> LogsResult:
    """Return all lines in one result. Arguments and errors are those of ``logs``."""
    services, lines = logs(context, names, since=since, tail=tail, follow=follow)
    return LogsResult(instance=context.identity.name, services=tuple(services), lines=tuple(lines))


def logs(
    context: Context,
    names: Sequence[str] = (),
    *,
    since: str | None = None,
    tail: int | None = None,
    follow: bool = False,
) -> tuple[Sequence[str], Iterator[LogLine]]:
    """Return the selected services and their log lines, merged by time. Uses labels only.

    Args:
        context: The context of the command.
        names: Components or services; empty for all.
        since: Start of the lines, as for ``moment``; None for no limit.
        tail: Only the last lines of each service; None for all.
        follow: Also yield new lines until the iterator is closed.

    Returns:
        The services, and the iterator of their lines.

    Raises:
        NotFound: The instance has no containers (exit 3).
    """
    runtime = context.runtime()
    observation = runtime.observe()
    if not observation.services:
        raise NotFound(f"instance {context.identity.name} has no containers", hint="nexusdev up   start it")
    selected = services_of(names, observation, command="logs") or tuple(observation.services)
    return selected, runtime.logs(selected, tail=tail, since=moment(since, now=runtime.now), follow=follow)


def moment(since: str | None, *, now: Callable[[], float]) -> float | None:
    """Return seconds since the epoch for ``90s``, ``10m``, ``1h30m``, ``1d`` ago, or for an ISO time (local if it has no zone).

    Args:
        since: The duration or time; None or '' for no limit.
        now: Returns the current time of the clock that stamps the lines.
    """
    if not since:
        return None
    # a plain number is rejected, or it is a date like 20260131
    with suppress(ValueError):
        return now() - durations.parse_with_units(since)
    try:
        return datetime.fromisoformat(since).timestamp()
    except ValueError as error:
        raise UsageError(
            f"invalid time for --since: {since}",
            why="use 90s, 10m, 1h30m, 1d, or a timestamp such as 2026-01-31T12:00:00",
            hint="nexusdev logs --since 10m",
        ) from error
