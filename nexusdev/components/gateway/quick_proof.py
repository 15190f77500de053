"""The gateway publishes nothing of its own: the variables that lead through it are proven by the components behind it."""

from __future__ import annotations

from collections.abc import Iterator

from nexusdev.wire.endpoint import PublishedEndpoint, Values


def endpoints(values: Values) -> Iterator[PublishedEndpoint]:  # noqa: ARG001 - as every component's
    """Yield nothing."""
    yield from ()
