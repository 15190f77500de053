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
    """Return all lines at once. Arguments and errors are those of ``logs``."""
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
    """The services that are meant, and their lines. Works by label alone. NotFound (3) where there is no container."""
    runtime = context.runtime()
    observation = runtime.observe()
    if not observation.services:
        raise NotFound(f"instance {context.identity.name} has no containers", hint="nexusdev up   start it")
    selected = services_of(names, observation, command="logs") or tuple(observation.services)
    return selected, runtime.logs(selected, tail=tail, since=moment(since, now=runtime.now), follow=follow)


def moment(since: str | None, *, now: Callable[[], float]) -> float | None:
    """Seconds since the epoch from ``90s``, ``10m``, ``1h30m``, ``1d`` ago, or an ISO time (local unless it says otherwise).

    ``now``: the clock that stamps the lines.
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
