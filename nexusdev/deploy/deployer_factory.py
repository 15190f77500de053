"""Creates the deployer of a command. The deployer is imported late, as an ``up`` without work needs none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nexusdev.context import Context
from nexusdev.deploy.timing import Stopwatch
from nexusdev.interfaces import Runtime
from nexusdev.plan import Step

if TYPE_CHECKING:
    from nexusdev.deploy.deployer import Deployer


def deployer_of(
    context: Context,
    runtime: Runtime,
    watch: Stopwatch | None = None,
    *,
    beginning: Callable[[Step], None] = lambda _: None,
) -> Deployer:
    """Return the deployer for this command. ``beginning``: called with each step before it."""
    from nexusdev.deploy.deployer import Deployer

    return Deployer(
        runtime=runtime,
        clock=context.clock,
        listener=context.listener,
        watch=watch or Stopwatch(clock=context.clock),
        parallel=context.settings.parallel,
        beginning=beginning,
    )
