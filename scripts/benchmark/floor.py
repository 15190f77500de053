"""The engine's floor: the plan of ``up`` carried out and nothing else. Run as a process of its own, like what it is compared with."""

from __future__ import annotations

import sys
from pathlib import Path

from msgspec.structs import replace

from scripts.benchmark.project import Project, succeed


def floor(project: Project) -> None:
    """Create and start the same containers, four at a time, and wait for nothing."""
    succeed([sys.executable, "-m", __name__, str(project.folder)], env=project.environment)


def start_everything(folder: Path) -> None:
    from nexusdev import settings
    from nexusdev.context import Context
    from nexusdev.deploy.deployer_factory import deployer_of
    from nexusdev.instance.identity import identify
    from nexusdev.instance.state import state_root
    from nexusdev.plan import Up
    from nexusdev.stack.fingerprint import fingerprints

    context = Context(identity=identify(folder, ""), settings=settings.load(folder), root=state_root())
    instance = context.instance()
    stack = context.stack(instance)
    # What is optional may have no image here.
    stack = replace(stack, services={name: each for name, each in stack.services.items() if not each.optional})
    runtime = context.runtime(stack, owner=instance.owner)
    deployer_of(context, runtime).execute(runtime.plan(Up(stack=stack, fingerprints=fingerprints(stack))))


if __name__ == "__main__":
    start_everything(Path(sys.argv[1]))
