"""Repeats a proof for a few seconds, because a change reaches the last server a moment after the first one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nexusdev.deploy.executor import nothing
from nexusdev.errors import Degraded
from nexusdev.util.clock import Clock

PATIENCE, PAUSE = 10.0, 0.2  # seconds

T = TypeVar("T")


def prove_patiently(prove: Callable[[], T], *, clock: Clock, check: Callable[[], None] = nothing) -> T:
    """Call a proof until it succeeds or the time limit is reached.

    Args:
        prove: The proof. Only a Degraded error is retried.
        clock: Measures and waits.
        check: Called before each retry; raises if a retry is pointless.

    Returns:
        The result of the proof.

    Raises:
        Degraded: The last error of the proof, after 10 s.
    """
    until = clock.now() + PATIENCE
    while True:
        try:
            return prove()
        except Degraded:
            if clock.now() >= until:
                raise
        check()
        clock.sleep(PAUSE)
