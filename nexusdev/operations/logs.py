"""logs: prints the servers' logs, merged by time, each line with the name of its service."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from nexusdev.context import Context
from nexusdev.deploy.targets import services_of
from nexusdev.errors import NotFound, UsageError
from nexusdev.interfaces import LogLine

_AGO = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


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
    """Seconds since the epoch from ``90s``, ``10m``, ``2h``, ``1d`` ago, or an ISO time (local unless it says otherwise).

    ``now``: the clock that stamps the lines.
    """
    if not since:
        return None
    if match := _AGO.fullmatch(since):
        return now() - float(match[1]) * _UNITS[match[2]]
    try:
        return datetime.fromisoformat(since).timestamp()
    except ValueError:
        raise UsageError(
            f"invalid time for --since: {since}",
            why="use 90s, 10m, 2h, 1d, or a timestamp such as 2026-01-31T12:00:00",
            hint="nexusdev logs --since 10m",
        ) from None
