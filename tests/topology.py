"""The topology of the stack in the repository, for tests of components."""

from __future__ import annotations

from functools import cache

from nexusdev.context import stack_file
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack
from nexusdev.stack.topology import Topology


@cache
def stack() -> Stack:
    """The stack of the compose files. Nothing of it exists."""
    return load(stack_file(), {"NEXUS_STATE": "/nowhere"})


def topology() -> Topology:
    """Its topology."""
    return Topology(services=stack().services)
