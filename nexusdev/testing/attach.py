"""Which instance the tests use: attached to once per process, and the reason if there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from math import ceil
from secrets import token_hex
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from nexusdev.errors import NexusError
    from nexusdev.testing.ephemeral import EphemeralStack
    from nexusdev.testing.own_stack import OwnStack
    from nexusdev.testing.run import TestRun

#: The resources of this process, or why there are none.
RUN: pytest.StashKey[TestRun | str] = pytest.StashKey()
#: The throw-away stack that this process uses.
EPHEMERAL: pytest.StashKey[EphemeralStack] = pytest.StashKey()
_RUN: pytest.StashKey[str] = pytest.StashKey()
#: What a worker of pytest-xdist finds the run's id under.
RUN_ID = "nexus_run"
#: The components of which tests will ask for slices.
WANTED: pytest.StashKey[frozenset[str]] = pytest.StashKey()
#: About how many databases the tests of the run ask for.
DATABASES: pytest.StashKey[int] = pytest.StashKey()


def run_of(config: pytest.Config) -> TestRun:
    """Return the resources of this process; attach to the instance at the first call."""
    if config.getoption("--nexus") == "off":
        pytest.skip("needs a nexusdev instance; pytest ran with --nexus=off")
    found = resources_of(config)
    if isinstance(found, str):
        _missing(config, found)
    return found


def resources_of(config: pytest.Config) -> TestRun | str:
    """Attach once."""
    if RUN not in config.stash:
        config.stash[RUN] = attached = _attached(config)
        if not isinstance(attached, str):
            wanted = config.stash.get(WANTED, frozenset())
            attached.prepare(wanted)
    return config.stash[RUN]


def tell(config: pytest.Config, text: str) -> None:
    """Say something at once, past pytest's capturing; a worker of xdist writes to the stderr of the run."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        print(f"\nnexusdev: {text}", file=sys.stderr, flush=True)


def own_stack(config: pytest.Config) -> OwnStack:
    """Begin a run that may bring an instance up."""
    from nexusdev.context import open_context
    from nexusdev.errors import NexusError
    from nexusdev.testing.own_stack import OwnStack

    try:
        return OwnStack(open_context(config.rootpath, flags={"instance": config.getoption("--nexus-instance") or None}))
    except NexusError as error:
        raise pytest.UsageError(f"--nexus=up: {error.message}") from error


def run_id(config: pytest.Config) -> str:
    """Return the id of the run, which all its workers have in common: the controller's process, and a token."""
    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    if RUN_ID in worker:
        return worker[RUN_ID]
    if _RUN not in config.stash:
        config.stash[_RUN] = f"{os.getpid()}-{token_hex(4)}"
    return config.stash[_RUN]


def started_stack(config: pytest.Config) -> EphemeralStack | None:
    """Return the throw-away stack that this run, or one of its workers, has started; None in a worker, and if there is none."""
    if hasattr(config, "workerinput"):
        return None
    if EPHEMERAL in config.stash:
        return config.stash[EPHEMERAL]
    if _RUN not in config.stash or config.getoption("--nexus") not in ("auto", "ephemeral"):
        return None  # no worker has started one
    from nexusdev.instance.paths import state_root

    home = state_root() / "ephemeral" / run_id(config)
    return _stack_of(config) if home.is_dir() else None


def _stack_of(config: pytest.Config) -> EphemeralStack:
    from nexusdev.testing.ephemeral import EphemeralStack, ephemeral_root

    tier = config.getoption("--nexus-tier")
    return EphemeralStack(run=run_id(config), project=config.rootpath, tier=tier, root=ephemeral_root())


def _attached(config: pytest.Config) -> TestRun | str:
    """Return the resources of this process, or five lines that say why there are none."""
    from nexusdev.errors import NexusError, NotFound

    mode = config.getoption("--nexus")
    try:
        if mode == "ephemeral":
            return _throw_away(config)
        try:
            return _of_project(config)
        except NotFound:
            if mode != "auto" or config.getoption("--nexus-instance"):
                raise
            return _throw_away(config)
    except NexusError as error:
        hint = error.hint.splitlines()[0] if error.hint else "nexusdev up"
        tried = {
            "up": f"to bring up the instance of {config.rootpath}",
            "ephemeral": "to start a throw-away stack",
            "auto": f"to attach to the instance of {config.rootpath}, then to start a throw-away stack",
        }
        return "\n".join(
            (
                "nexusdev: these tests need a running instance, and there is none that can be used",
                f"  tried    {tried.get(mode, f'to attach to the instance of {config.rootpath}')}",
                f"  why      {error.sentence}",
                f"  next     {hint}",
                "  or       --nexus=up to bring it up for this run, --nexus-instance NAME, --nexus-missing=skip to skip these tests",
            )
        )


def _of_project(config: pytest.Config) -> TestRun:
    """Attach to the instance of the project, which ``--nexus=up`` brings up before."""
    from nexusdev.context import open_context
    from nexusdev.testing.own_stack import bring_up
    from nexusdev.testing.run import TestRun

    instance, keep = config.getoption("--nexus-instance"), config.getoption("--nexus-keep")
    if config.getoption("--nexus") == "up":
        context = open_context(config.rootpath, flags={"instance": instance or None})
        bring_up(context, keep=keep, tell=partial(tell, config))
    return TestRun(
        config.rootpath,
        instance=instance,
        identity=_identity(config),
        run=_common(config),
        databases=_databases(config),
    )


def _throw_away(config: pytest.Config) -> TestRun:
    """Use the throw-away stack of this run, which is started by the first of its processes that needs it."""
    from nexusdev.testing.run import TestRun

    stack = _stack_of(config)
    config.stash[EPHEMERAL] = stack
    stack.start(tell=partial(tell, config))
    return TestRun(
        config.rootpath,
        identity=_identity(config),
        run=_common(config),
        databases=_databases(config),
        context=stack.context(),
    )


def _databases(config: pytest.Config) -> int:
    """Return about how many databases this process will ask for."""
    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    return ceil(config.stash.get(DATABASES, 0) / int(worker.get("workercount", 1)))


def _common(config: pytest.Config) -> str:
    """Return what the processes of a run have in common; '' if there is only one process."""
    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    return worker.get("testrunuid", "")


def _identity(config: pytest.Config) -> str:
    """Return what distinguishes this process from those of the same run and of other runs."""
    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    return f"{worker.get('testrunuid', os.getpid())} {worker.get('workerid', '')} {time.time_ns()}"


def fail(error: NexusError) -> NoReturn:
    """Fail a test with the words of an error instead of a traceback through this package."""
    rows = (("why", error.why), *(("next", line) for line in error.hint.splitlines()))
    lines = [f"  {title:<8} {text}" for title, text in rows if text]
    pytest.fail("\n".join((f"nexusdev: {error.message}", *lines)), pytrace=False)


def _missing(config: pytest.Config, text: str) -> NoReturn:
    if config.getoption("--nexus-missing") == "skip":
        pytest.skip(text)
    pytest.fail(text, pytrace=False)
