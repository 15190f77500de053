"""What cannot be drilled, and why. ``drill list`` says it, so that nobody takes a short list for a complete one."""

from __future__ import annotations

from msgspec import Struct


class Missing(Struct, frozen=True, kw_only=True):
    """A failure that no drill brings about."""

    what: str
    why: str


MISSING = (
    Missing(
        what="slow network, packet loss",
        why="needs the kernel module sch_netem and the right to configure the servers' networks",
    ),
    Missing(what="full disk", why="the data volumes share the disk of this machine, which must not be filled"),
    Missing(what="memory limit", why="no runtime can change the limit of a running server yet"),
    Missing(what="clock jump", why="all servers share the clock of this machine"),
    Missing(what="restart of what runs the servers", why="it would stop everything else that runs there, too"),
)
