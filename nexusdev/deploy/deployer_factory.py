"""Creates the deployer of a command. The deployer is imported late, as an ``up`` without work needs none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexusdev.context import Context
from nexusdev.deploy.timing import Stopwatch
from nexusdev.interfaces import Runtime

if TYPE_CHECKING:
    from nexusdev.deploy.deployer import Deployer


def deployer_of(context: Context, runtime: Runtime, watch: Stopwatch | None = None) -> Deployer:
    """Return the deployer for this command."""
    from nexusdev.deploy.deployer import Deployer

    return Deployer(
        runtime=runtime,
        clock=context.clock,
        listener=context.listener,
        watch=watch or Stopwatch(clock=context.clock),
        parallel=context.settings.parallel,
    )
