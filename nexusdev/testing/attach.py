"""Which instance the tests use: attached to once per process, and the reason if there is none."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import nullcontext
from functools import partial
from math import ceil
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from nexusdev.errors import NexusError
    from nexusdev.testing.own_stack import OwnStack
    from nexusdev.testing.run import TestRun

#: The resources of this process, or why there are none.
RUN: pytest.StashKey[TestRun | str] = pytest.StashKey()
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


def _attached(config: pytest.Config) -> TestRun | str:
    """Return the resources of this process, or five lines that say why there are none."""
    from nexusdev.context import open_context
    from nexusdev.errors import NexusError
    from nexusdev.testing.own_stack import bring_up
    from nexusdev.testing.run import TestRun

    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    identity = f"{worker.get('testrunuid', os.getpid())} {worker.get('workerid', '')} {time.time_ns()}"
    instance, keep = config.getoption("--nexus-instance"), config.getoption("--nexus-keep")
    try:
        if config.getoption("--nexus") == "up":
            context = open_context(config.rootpath, flags={"instance": instance or None})
            bring_up(context, keep=keep, tell=partial(tell, config))
        return TestRun(
            config.rootpath,
            instance=instance,
            identity=identity,
            run=worker.get("testrunuid", ""),
            databases=ceil(config.stash.get(DATABASES, 0) / int(worker.get("workercount", 1))),
        )
    except NexusError as error:
        hint = error.hint.splitlines()[0] if error.hint else "nexusdev up"
        return "\n".join(
            (
                "nexusdev: these tests need a running instance, and there is none that can be used",
                f"  tried    to {'bring up' if config.getoption('--nexus') == 'up' else 'attach to'} the instance of {config.rootpath}",
                f"  why      {error.message}{f': {error.why}' if error.why else ''}",
                f"  next     {hint}",
                "  or       --nexus=up to bring it up for this run, --nexus-instance NAME, --nexus-missing=skip to skip these tests",
            )
        )


def fail(error: NexusError) -> NoReturn:
    """Fail a test with the words of an error instead of a traceback through this package."""
    rows = (("why", error.why), *(("next", line) for line in error.hint.splitlines()))
    lines = [f"  {title:<8} {text}" for title, text in rows if text]
    pytest.fail("\n".join((f"nexusdev: {error.message}", *lines)), pytrace=False)


def _missing(config: pytest.Config, text: str) -> NoReturn:
    if config.getoption("--nexus-missing") == "skip":
        pytest.skip(text)
    pytest.fail(text, pytrace=False)
