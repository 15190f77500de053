"""What ``doctor`` asks about the engine and the machine under it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nexusdev.context import Context
from nexusdev.deploy.preflight import GIB, ROOM, ROOM_TO_BUILD
from nexusdev.doctor.check import Check, failed, good, warning
from nexusdev.errors import NexusError
from nexusdev.util.humanize import join_names, pluralize

if TYPE_CHECKING:
    from nexusdev.runtimes.docker.connection import EngineFacts

LEAST_MEMORY = 4 * GIB
LEAST_CPUS = 2
_SKEW = 30.0


def examine(context: Context) -> Iterator[Check]:
    """The engine first: without it nothing else can be asked."""
    try:
        facts = context.provider.facts()
    except NexusError as error:
        yield failed("engine", f"{error.message}: {error.why}", fix=error.hint)
        return
    yield good(
        "engine",
        f"{facts.version}, API {facts.api_version}, {facts.operating_system}, at {facts.endpoint} ({facts.origin})",
    )
    yield rights(facts)
    yield memory(facts)
    yield processors(facts)
    yield clock(facts)
    images = context.images()
    missing = [name for name, found in images.stored().items() if found is None]
    yield disk(facts, building=bool(missing))
    if missing:
        evidence = f"{pluralize(len(missing), 'image')} not there yet: {join_names(missing)}"
        built = any(images.is_built(name) for name in missing)
        yield warning("images", evidence, fix=f"nexusdev images {'build' if built else 'pull'}")
    else:
        yield good("images", "all there")


def rights(facts: EngineFacts) -> Check:
    """Rootless engines work, with the user's own limits."""
    return good("rights", "rootless: containers run as you" if facts.rootless else "rootful")


def memory(facts: EngineFacts) -> Check:
    """The whole stack stays below 2.5 GiB; builds and applications want some too."""
    text = f"{facts.memory_bytes / GIB:.1f} GiB for the engine"
    if facts.memory_bytes and facts.memory_bytes < LEAST_MEMORY:
        return warning("memory", f"{text}, 4 GiB are better", fix="give the engine more memory")
    return good("memory", text)


def processors(facts: EngineFacts) -> Check:
    """With one, everything takes twice the time."""
    if facts.cpus and facts.cpus < LEAST_CPUS:
        return warning("processors", "1 for the engine, 2 are better")
    return good("processors", f"{facts.cpus} for the engine")


def clock(facts: EngineFacts, *, now: float | None = None) -> Check:
    """Certificates and tokens live by the clock; a virtual machine's may be behind after a sleep."""
    try:
        skew = abs(datetime.fromisoformat(facts.time[:19] + "+00:00").timestamp() - (now or time.time()))
    except ValueError:
        return good("clock", "the engine does not tell its time")
    if skew > _SKEW:
        return failed("clock", f"the engine's clock is {skew:.0f} s off", fix="restart the engine, or its machine")
    return good("clock", "the engine has this machine's time")


def disk(facts: EngineFacts, *, building: bool) -> Check:
    """Where the engine stores."""
    folder = Path(facts.data_root)
    if not folder.is_dir():
        return good("disk", f"{facts.data_root} cannot be seen from here")
    free, wanted = shutil.disk_usage(folder).free, ROOM_TO_BUILD if building else ROOM
    text = f"{free / GIB:.1f} GiB free where the engine stores ({folder})"
    if free < ROOM:
        return failed("disk", text, fix="nexusdev gc; docker image prune")
    if free < wanted:
        return warning("disk", f"{text}; building all images takes up to {wanted / GIB:.0f} GiB", fix="nexusdev gc")
    return good("disk", text)
