"""The checks of ``doctor`` for a Docker engine and its machine, and the disk space that they require."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from nexusdev.check import Check, failed, good, warning
from nexusdev.errors import PreflightFailed
from nexusdev.runtimes.docker.advice import ADVICE
from nexusdev.runtimes.docker.connection import EngineFacts
from nexusdev.util.humanize import duration

GIB = 2**30
ROOM = 2 * GIB
ROOM_TO_BUILD = 12 * GIB
LEAST_MEMORY = 4 * GIB
LEAST_CPUS = 2
_CLOCK_FIX = (
    "timedatectl set-ntp true   correct this machine's clock; if the engine runs in a virtual machine, restart that one"
)
_SKEW = 30.0
# S3 rejects requests whose signature time is off by 15 minutes; the difference allows for the duration of a command.
_LARGEST_SKEW = 600.0


def checks(facts: EngineFacts, *, building: Callable[[], bool]) -> Iterator[Check]:
    """Yield all checks of the engine. ``building``: returns whether images have to be built; called by the check of the disk space."""
    yield good(
        "engine",
        f"{facts.version}, API {facts.api_version}, {facts.operating_system}, at {facts.endpoint} ({facts.origin})",
    )
    yield rights(facts)
    yield memory(facts)
    yield processors(facts)
    yield clock(facts)
    yield disk(facts, building=building())


def rights(facts: EngineFacts) -> Check:
    """Check the engine's permissions. Rootless engines work, with the user's own limits; a user mapping hides files from containers."""
    if facts.maps_users:
        from nexusdev.runtimes.docker.reach import users_mapped

        error = users_mapped()
        return failed("rights", f"{error.message}: {error.why}", fix=error.hint.partition("   ")[0])
    return good("rights", "rootless: containers run as your user" if facts.rootless else "rootful")


def memory(facts: EngineFacts) -> Check:
    """Check the memory. The whole stack uses less than 2.5 GiB; builds and applications need some too."""
    text = f"{facts.memory_bytes / GIB:.1f} GiB for the engine"
    if facts.memory_bytes and facts.memory_bytes < LEAST_MEMORY:
        return warning("memory", f"{text}, at least 4 GiB recommended", fix="give the engine more memory")
    return good("memory", text)


def processors(facts: EngineFacts) -> Check:
    """Check the number of processors. With one, everything takes twice as long."""
    if facts.cpus and facts.cpus < LEAST_CPUS:
        return warning("processors", "1 CPU for the engine, at least 2 recommended")
    return good("processors", f"{facts.cpus} CPUs for the engine")


def clock(facts: EngineFacts, *, now: float | None = None) -> Check:
    """Check the engine's clock. Certificates and tokens depend on it; the clock of a virtual machine may be slow after a suspend."""
    try:
        engine = datetime.fromisoformat(facts.time[:19] + "+00:00").timestamp()
    except ValueError:
        return good("clock", "the engine does not report its time")
    here = now or time.time()
    if abs(engine - here) > _SKEW:
        return failed("clock", _clocks(engine, here), fix=_CLOCK_FIX)
    return good("clock", "the engine's clock matches this machine")


def require_clock(engine: float, here: float) -> None:
    """Raise an error if the clocks differ by minutes: servers would reject certificates and signed requests.

    Args:
        engine: The engine's time, in seconds since the epoch.
        here: This machine's time, in seconds since the epoch.

    Raises:
        PreflightFailed: They differ too much (CLOCK_SKEW).
    """
    if abs(engine - here) > _LARGEST_SKEW:
        raise PreflightFailed(
            "the clocks of this machine and of the engine differ",
            why=f"{_clocks(engine, here)}: certificates would not be valid yet, and signed requests refused",
            hint=_CLOCK_FIX,
            code="CLOCK_SKEW",
        )


def _clocks(engine: float, here: float) -> str:
    """Describe both times."""
    times = [datetime.fromtimestamp(each, UTC).strftime("%Y-%m-%d %H:%M:%S") for each in (engine, here)]
    return (
        f"the engine's clock says {times[0]} UTC, this machine's {times[1]} UTC, {duration(abs(engine - here))} apart"
    )


def disk(facts: EngineFacts, *, building: bool) -> Check:
    """Check the disk space of the engine's data folder."""
    folder = Path(facts.data_root)
    if not folder.is_dir():
        return good("disk", f"{facts.data_root} is not visible from this machine")
    free, wanted = shutil.disk_usage(folder).free, ROOM_TO_BUILD if building else ROOM
    text = f"{free / GIB:.1f} GiB free in the engine's data folder ({folder})"
    if free < ROOM:
        return failed("disk", text, fix="nexusdev gc; docker image prune")
    if free < wanted:
        return warning("disk", f"{text}; building all images needs up to {wanted / GIB:.0f} GiB", fix="nexusdev gc")
    return good("disk", text)


def require_room(folder: Path, *, needed: int = ROOM, free: int | None = None) -> None:
    """Raise an error if the disk is nearly full: databases can lose data on a full disk.

    Args:
        folder: The engine's data folder. It is skipped if it is not visible here (another machine, a VM).
        needed: Required space, in bytes.
        free: Free space, in bytes; None to measure it.

    Raises:
        PreflightFailed: There is too little space (DISK_FULL).
    """
    if free is None:
        if not folder.is_dir():
            return
        free = shutil.disk_usage(folder).free
    if free >= needed:
        return
    raise PreflightFailed(
        f"not enough disk space: {free / GIB:.1f} GiB free, {needed / GIB:.0f} GiB needed",
        why=f"the engine stores images, volumes and logs in {folder}",
        hint=f"nexusdev gc           remove what no project uses any more\n{ADVICE.no_room}",
        code="DISK_FULL",
    )
