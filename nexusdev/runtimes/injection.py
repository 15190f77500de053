"""Injects a fault into several services at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from nexusdev.errors import NotFound
from nexusdev.util.parallel import together

_THREADS = 4


def inject_each(services: Sequence[str], inject: Callable[[str], None]) -> None:
    """Inject into every service, some at once, beginning with the first. Every one is tried, whatever happens to the others.

    Args:
        services: The services, in order.
        inject: Injects the fault into one.

    Raises:
        Exception: What the first one raised; NotFound only if no other raised anything else.
    """
    absent: dict[str, NotFound] = {}

    def attempt(service: str) -> None:
        try:
            inject(service)
        except NotFound as error:
            absent[service] = error

    together({each: partial(attempt, each) for each in services}, limit=_THREADS)
    for service in services:
        if service in absent:
            raise absent[service]
