"""The pytest plugin: fixtures with real servers of a running instance, isolated per test.

Every pytest run in an environment that has nexusdev loads this module and those that it imports here, so they import the standard library and
pytest alone.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable, Generator
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from nexusdev.testing.attach import (
    DATABASES,
    RUN,
    RUN_ID,
    WANTED,
    own_stack,
    resources_of,
    run_id,
    run_of,
    started_stack,
    tell,
)
from nexusdev.testing.costs import CostReport
from nexusdev.testing.repeats import OURS, TellOnce

if TYPE_CHECKING:
    from nexusdev.testing.own_stack import OwnStack

pytest_plugins = ("nexusdev.testing.fixtures",)

MODES = ("auto", "attach", "up", "ephemeral", "off")
TIERS = ("lite", "ha")
MISSING = ("fail", "skip")
_TURN: pytest.StashKey[tuple[ExitStack, float]] = pytest.StashKey()
_OWN: pytest.StashKey[OwnStack | None] = pytest.StashKey()
_SHOWN: pytest.StashKey[int] = pytest.StashKey()
#: For how many failures of a process the report has the servers' logs.
_MOST_SHOWN = 5
_CHAOS = "nexus_chaos"
#: What pytest says of a fixture of one test in a fixture of a module.
_MISMATCH = re.compile(r"ScopeMismatch: .* function scoped fixture (nexus_\w+) with a (\w+) scoped")
_DATABASES = {"nexus_pg": "postgres", "nexus_pg_tx": "postgres", "nexus_pg_factory": "postgres"}
_PARTS = {"nexus_redis": "redis", "nexus_s3": "minio", "nexus_vault": "vault"}
_FACTORIES = {f"{name}_factory": part for name, part in _PARTS.items()}
_FIXTURES = frozenset({"nexus", "nexus_env", _CHAOS, *_DATABASES, *_PARTS, *_FACTORIES})
_MARKER = (
    "nexus(migrations=None, seed=None, chaos=False): what nexus_pg and nexus_pg_tx begin with: a path (alembic.ini, manage.py, .sql files or"
    " a folder of them), 'module:function', or a function that takes the database's URL; seed data that follows the migrations, likewise;"
    " whether the test breaks servers, as with nexus_chaos."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings."""
    group = parser.getgroup("nexus", "nexusdev: PostgreSQL, Redis, MinIO and Vault of a running instance")
    group.addoption(
        "--nexus",
        default="auto",
        metavar="MODE",
        help="auto, attach: use the project's running instance; up: bring it up for this run if it does not run;"
        " ephemeral: a throw-away stack; off: tests that need one are skipped. auto takes a throw-away stack if no instance runs.",
    )
    group.addoption(
        "--nexus-tier",
        default="lite",
        metavar="lite|ha",
        help="The throw-away stack: one server of each product, or those that can fail over (default: lite).",
    )
    group.addoption("--nexus-instance", default="", metavar="NAME", help="The instance (default: the project's).")
    group.addoption(
        "--nexus-missing",
        default="fail",
        metavar="fail|skip",
        help="What happens to tests that need an instance if there is none (default: fail).",
    )
    group.addoption(
        "--nexus-allow-chaos", action="store_true", help="Tests may break servers of the instance (nexus_chaos)."
    )
    group.addoption(
        "--nexus-keep", action="store_true", help="Keep the instance that --nexus=up brought up, for the next run."
    )
    group.addoption("--nexus-report", action="store_true", help="Show at the end what each fixture cost.")
    parser.addini("nexus_migrations", "Migrations for every database; see the marker nexus.", default="")


def pytest_configure(config: pytest.Config) -> None:
    """Check the options. Nothing is connected yet."""
    config.addinivalue_line("markers", _MARKER)
    mode, missing = config.getoption("--nexus"), config.getoption("--nexus-missing")
    tier = config.getoption("--nexus-tier")
    for option, value, known in (
        ("--nexus", mode, MODES),
        ("--nexus-missing", missing, MISSING),
        ("--nexus-tier", tier, TIERS),
    ):
        if value not in known:
            raise pytest.UsageError(f"{option}={value}: expected one of {', '.join(known)}")
    _refuse_contradictions(config)
    if mode == "up" and not hasattr(config, "workerinput"):
        config.stash[_OWN] = own_stack(config)
    if hasattr(config, "workerinput"):
        return  # the controller of pytest-xdist prints
    config.pluginmanager.register(TellOnce(), "nexus-tell-once")
    if config.getoption("--nexus-report"):
        config.pluginmanager.register(CostReport(), "nexus-cost-report")


def _refuse_contradictions(config: pytest.Config) -> None:
    """Refuse options that a throw-away stack cannot follow."""
    if config.getoption("--nexus") != "ephemeral":
        return
    if config.getoption("--nexus-instance"):
        raise pytest.UsageError("--nexus=ephemeral has an instance of its own: leave out --nexus-instance")
    if config.getoption("--nexus-keep"):
        raise pytest.UsageError("--nexus=ephemeral cannot be kept: use --nexus=up --nexus-keep")


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist to which process a throw-away stack belongs: to the controller, which outlives its workers."""
    node.workerinput[RUN_ID] = run_id(node.config)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which fixtures the tests will ask for, so that they are made at once when the first one is needed."""
    used = [used_by(item) for item in session.items]
    session.config.stash[WANTED] = frozenset(
        part for name, part in _PARTS.items() if any(name in each for each in used)
    )
    shared = sum(any(name in each for each in used) for name in ("nexus_pg_tx", "nexus_pg_factory"))
    session.config.stash[DATABASES] = shared + sum("nexus_pg" in each for each in used)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Make ``nexus_chaos`` the last fixture of its tests: servers are whole again before other fixtures clean up."""
    for item in items:
        names: list[str] = getattr(item, "fixturenames", [])
        marker = item.get_closest_marker("nexus")
        if _CHAOS in names or (marker and marker.kwargs.get("chaos")):
            names[:] = [*(name for name in names if name != _CHAOS), _CHAOS]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse arguments of the marker that are not known, and take a turn: a test that breaks servers runs alone."""
    for marker in item.iter_markers("nexus"):
        if marker.args or set(marker.kwargs) - {"migrations", "seed", "chaos"}:
            raise pytest.UsageError(f"{item.nodeid}: the marker nexus only takes migrations=…, seed=… and chaos=…")
    names = used_by(item)
    run = resources_of(item.config) if names and item.config.getoption("--nexus") != "off" else ""
    if isinstance(run, str):
        return  # the fixtures say why
    turn = ExitStack()
    item.stash[_TURN] = (turn, time.monotonic())
    alone = _CHAOS in names and bool(item.config.getoption("--nexus-allow-chaos"))
    turn.enter_context(run.turn(alone=alone, tell=partial(tell, item.config)))
    item.stash[_TURN] = (turn, time.monotonic())  # its report has no logs of the test that it waited for


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """End the turn, after all fixtures of the test."""
    try:
        yield
    finally:
        if _TURN in item.stash:
            item.stash[_TURN][0].close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the servers' logs to a failure, and give the summary at the end the first line of our failures.

    In CI (``CI`` is set) pytest prints messages whole in the summary.
    """
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and crash.message.startswith(OURS):
        crash.message = crash.message.partition("\n")[0]
    elif crash is not None and (mismatch := _MISMATCH.search(crash.message)):
        report.sections.append(("nexusdev", _advice(*mismatch.groups())))
    elif report.failed and report.when != "teardown" and _TURN in item.stash:
        _add_servers(item, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop everything that this process made, after the fixtures have ended and before xdist ends its worker."""
    run, own, stack = (
        session.config.stash.get(RUN, ""),
        session.config.stash.get(_OWN, None),
        started_stack(session.config),
    )
    if isinstance(run, str) and own is None and stack is None:
        return
    from nexusdev.errors import NexusError

    # Each on its own: an instance of this run also goes if a slice of it could not be dropped.
    ends: list[Callable[[], None]] = [] if isinstance(run, str) else [run.close]
    ends += [each for each in (own and own.end, stack and stack.remove) if each]
    for end in ends:
        try:
            end()
        except NexusError as error:
            warnings.warn(f"nexusdev: not everything was dropped: {error.message}; the next run drops it", stacklevel=1)


def used_by(item: pytest.Item) -> frozenset[str]:
    """Return the fixtures of this plugin that a test uses."""
    return frozenset(getattr(item, "fixturenames", ())) & _FIXTURES


def _advice(fixture: str, scope: str) -> str:
    """Return what to write instead of a fixture of one test in a wider scope."""
    factory = f"{fixture}_factory"
    if factory in _FIXTURES:
        return f"{fixture} belongs to one test. A fixture of scope {scope} takes {factory}, and calls it: {factory}()"
    return f"{fixture} belongs to one test. Give the fixture that uses it the scope 'function'."


def _add_servers(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add who led and what the servers logged since the test began; of the first failures of a process alone, because it takes time."""
    from nexusdev.testing.failure import describe

    shown = item.config.stash.get(_SHOWN, 0)
    if shown >= _MOST_SHOWN:
        report.sections.append(("nexusdev", f"the servers are shown for the first {_MOST_SHOWN} failures only"))
        return
    item.config.stash[_SHOWN] = shown + 1
    components = [part for name, part in {**_PARTS, **_FACTORIES, **_DATABASES}.items() if name in used_by(item)]
    seconds = time.monotonic() - item.stash[_TURN][1]
    try:
        text = describe(run_of(item.config).fresh_context(), frozenset(components), seconds)
    except Exception as error:
        text = f"the servers could not be asked: {error}"
    report.sections.append(("nexusdev: servers since the test began", text))
