"""The pytest plugin: fixtures with real servers of a running instance, isolated per test.

Every pytest run in an environment that has nexusdev loads this module, so it imports the standard library and pytest alone.
"""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

if TYPE_CHECKING:
    import psycopg

    from nexusdev.testing.chaos import Chaos
    from nexusdev.testing.instance import NexusInstance
    from nexusdev.testing.migrations import Migrations
    from nexusdev.testing.own_stack import OwnStack
    from nexusdev.testing.resources import PostgresDatabase, RedisUser, S3Bucket, VaultFolder
    from nexusdev.testing.run import TestRun

Given = TypeVar("Given")
MODES = ("auto", "attach", "up", "off")
MISSING = ("fail", "skip")
#: The costs of a fixture are properties of the test's report: these arrive in the controller of xdist as well.
_COST = "nexus-cost-"
_RUN: pytest.StashKey[TestRun | str] = pytest.StashKey()
_WANTED: pytest.StashKey[frozenset[str]] = pytest.StashKey()
_TOLD: pytest.StashKey[bool] = pytest.StashKey()
_TOLD_MIGRATIONS: pytest.StashKey[set[str]] = pytest.StashKey()
_TURN: pytest.StashKey[tuple[ExitStack, float]] = pytest.StashKey()
_OWN: pytest.StashKey[OwnStack | None] = pytest.StashKey()
_SHOWN: pytest.StashKey[int] = pytest.StashKey()
#: For how many failures of a process the report has the servers' logs.
_MOST_SHOWN = 5
_CHAOS = "nexus_chaos"
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
        " off: tests that need one are skipped.",
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
    if mode == "ephemeral":
        raise pytest.UsageError("--nexus=ephemeral is not supported yet: use nexusdev up, then --nexus=attach")
    for option, value, known in (("--nexus", mode, MODES), ("--nexus-missing", missing, MISSING)):
        if value not in known:
            raise pytest.UsageError(f"{option}={value}: expected one of {', '.join(known)}")
    if mode == "up" and not hasattr(config, "workerinput"):
        config.stash[_OWN] = _own_stack(config)
    if config.getoption("--nexus-report") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(CostReport(), "nexus-cost-report")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which fixtures the tests will ask for, so that they are made at once when the first one is needed."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    session.config.stash[_WANTED] = frozenset(part for name, part in _PARTS.items() if name in names)


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
    run = _resources(item.config) if names and item.config.getoption("--nexus") != "off" else ""
    if isinstance(run, str):
        return  # the fixtures say why
    turn = ExitStack()
    item.stash[_TURN] = (turn, time.monotonic())
    alone = _CHAOS in names and bool(item.config.getoption("--nexus-allow-chaos"))
    turn.enter_context(run.turn(alone=alone, tell=partial(_tell, item.config)))
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
    if crash is not None and crash.message.startswith("Failed: nexusdev:"):
        crash.message = crash.message.partition("\n")[0]
    elif report.failed and report.when != "teardown" and _TURN in item.stash:
        _add_servers(item, report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop everything that this process made, after the fixtures have ended and before xdist ends its worker."""
    run, own = session.config.stash.get(_RUN, ""), session.config.stash.get(_OWN, None)
    if isinstance(run, str) and own is None:
        return
    from nexusdev.errors import NexusError

    # Each on its own: an instance of this run also goes if a slice of it could not be dropped.
    ends = [each for each in (None if isinstance(run, str) else run.close, None if own is None else own.end) if each]
    for end in ends:
        try:
            end()
        except NexusError as error:
            warnings.warn(f"nexusdev: not everything was dropped: {error.message}; the next run drops it", stacklevel=1)


class CostReport:
    """Shows at the end what each fixture cost (``--nexus-report``)."""

    def __init__(self) -> None:
        self._costs: dict[str, list[float]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect the costs of one test, from this process or from a worker."""
        if report.when == "teardown":
            for name, value in report.user_properties:
                if name.startswith(_COST):
                    self._costs.setdefault(name.removeprefix(_COST), []).append(float(str(value)))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print a line for each fixture."""
        if self._costs:
            terminalreporter.section("nexus fixtures")
        for name, seconds in sorted(self._costs.items()):
            median = 1000 * sorted(seconds)[len(seconds) // 2]
            terminalreporter.write_line(f"{name:<12} {len(seconds):5} times   median {median:7.1f} ms")


def run_of(config: pytest.Config) -> TestRun:
    """Return the resources of this process; attach to the instance at the first call.

    The reason why there is no instance is told in full once; the tests after it refer to it.
    """
    if config.getoption("--nexus") == "off":
        pytest.skip("needs a nexusdev instance; pytest ran with --nexus=off")
    found = _resources(config)
    if isinstance(found, str):
        is_first, config.stash[_TOLD] = _TOLD not in config.stash, True
        _missing(config, found if is_first else f"{found.splitlines()[0]} (see the first test that needed it)")
    return found


def _resources(config: pytest.Config) -> TestRun | str:
    """Attach once."""
    if _RUN not in config.stash:
        config.stash[_RUN] = attached = _attached(config)
        if not isinstance(attached, str):
            wanted = config.stash.get(_WANTED, frozenset())
            attached.prepare(wanted)
    return config.stash[_RUN]


def used_by(item: pytest.Item) -> frozenset[str]:
    """Return the fixtures of this plugin that a test uses."""
    return frozenset(getattr(item, "fixturenames", ())) & _FIXTURES


def _tell(config: pytest.Config, text: str) -> None:
    """Say something at once, past pytest's capturing; a worker of xdist writes to the stderr of the run."""
    capture: Any = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        print(f"\nnexusdev: {text}", file=sys.stderr, flush=True)


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


def _own_stack(config: pytest.Config) -> OwnStack:
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
            bring_up(context, keep=keep, tell=partial(_tell, config))
        return TestRun(config.rootpath, instance=instance, identity=identity)
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


def _missing(config: pytest.Config, text: str) -> NoReturn:
    if config.getoption("--nexus-missing") == "skip":
        pytest.skip(text)
    pytest.fail(text, pytrace=False)


@contextmanager
def _measured(request: pytest.FixtureRequest, name: str) -> Iterator[Callable[[], None]]:
    """Add to the report of the test what a fixture cost: the time before and after the test itself.

    Yields:
        A function to call when the test begins, and when it has ended.
    """
    marks = [time.perf_counter()]
    yield lambda: marks.append(time.perf_counter())
    began, ready, ended = marks
    cost = ready - began + time.perf_counter() - ended
    request.node.user_properties.append((f"{_COST}{name}", cost))


def migrations_of(request: pytest.FixtureRequest) -> Migrations | None:
    """Return the migrations of the marker, or of the setting; None for none."""
    from nexusdev.testing.migrations import MigrationFailed, recognize, together

    marker = request.node.get_closest_marker("nexus") if request.scope == "function" else None
    told: Mapping[str, object] = marker.kwargs if marker else {}
    given, seed = told.get("migrations") or request.config.getini("nexus_migrations"), told.get("seed")
    try:
        found = recognize(given, request.config.rootpath) if given else None
        return together(found, recognize(seed, request.config.rootpath)) if seed else found
    except MigrationFailed as error:
        _fail_migrations(request.config, error)


def _fail_migrations(config: pytest.Config, error: Exception) -> NoReturn:
    """Fail a test because of its migrations. The whole error is told once per process."""
    text = str(error)
    told = config.stash.setdefault(_TOLD_MIGRATIONS, set())
    if text in told:
        text = f"{text.splitlines()[0]} (see the first test that needed it)"
    told.add(str(error))
    pytest.fail(f"nexusdev: {text}", pytrace=False)


@contextmanager
def _database(request: pytest.FixtureRequest, migrations: Migrations | None = None) -> Iterator[PostgresDatabase]:
    from nexusdev.testing.migrations import MigrationFailed
    from nexusdev.testing.resources import PostgresDatabase

    run = run_of(request.config)
    with ExitStack() as used:
        try:
            variables = used.enter_context(run.database(migrations))
        except MigrationFailed as error:
            _fail_migrations(request.config, error)
        yield PostgresDatabase.of(variables)


@pytest.fixture(scope="session")
def nexus(request: pytest.FixtureRequest) -> NexusInstance:
    """The running instance: its name, ``env()``, ``logs()``, ``wait_ready()``."""
    from nexusdev.testing.instance import NexusInstance

    return NexusInstance(run_of(request.config))


@pytest.fixture
def nexus_pg(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    """A fresh PostgreSQL database and the login that owns it, with the tables of the migrations."""
    with _measured(request, "nexus_pg") as mark, _database(request, migrations_of(request)) as database:
        mark()
        yield database
        mark()


@pytest.fixture
def nexus_pg_tx(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[Any]]:
    """A psycopg connection whose transaction is rolled back after the test. All tests of a process use one database."""
    from nexusdev.testing.migrations import MigrationFailed

    with _measured(request, "nexus_pg_tx") as mark, ExitStack() as used:
        try:
            connection = used.enter_context(run_of(request.config).transaction(migrations_of(request)))
        except MigrationFailed as error:
            _fail_migrations(request.config, error)
        mark()
        yield connection
        mark()


@pytest.fixture(scope="session")
def nexus_pg_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., PostgresDatabase]]:
    """Makes fresh databases for fixtures of any scope; they are dropped at the end: ``factory(migrations="manage.py")``."""
    from nexusdev.testing.migrations import recognize

    with ExitStack() as used:

        def make(*, migrations: object = None) -> PostgresDatabase:
            given = migrations or request.config.getini("nexus_migrations")
            found = recognize(given, request.config.rootpath) if given else None
            return used.enter_context(_database(request, found))

        yield make


@contextmanager
def _slices(
    request: pytest.FixtureRequest, component: str, give: Callable[[Mapping[str, str], str], Given]
) -> Iterator[Callable[[], Given]]:
    """Lend a function that gives another slice of a component at each call, until the end."""
    with ExitStack() as used:

        def make() -> Given:
            run = run_of(request.config)
            return give(used.enter_context(run.slice(component)), run.ca_file)

        yield make


@pytest.fixture(scope="session")
def nexus_redis_factory(request: pytest.FixtureRequest) -> Iterator[Callable[[], RedisUser]]:
    """Makes Redis users for fixtures of any scope; they are dropped at the end."""
    from nexusdev.testing.resources import RedisUser

    with _slices(request, "redis", RedisUser.of) as make:
        yield make


@pytest.fixture(scope="session")
def nexus_s3_factory(request: pytest.FixtureRequest) -> Iterator[Callable[[], S3Bucket]]:
    """Makes buckets for fixtures of any scope; they are dropped at the end."""
    from nexusdev.testing.resources import S3Bucket

    with _slices(request, "minio", S3Bucket.of) as make:
        yield make


@pytest.fixture(scope="session")
def nexus_vault_factory(request: pytest.FixtureRequest) -> Iterator[Callable[[], VaultFolder]]:
    """Makes folders in Vault for fixtures of any scope; they are dropped at the end."""
    from nexusdev.testing.resources import VaultFolder

    with _slices(request, "vault", lambda variables, _: VaultFolder.of(variables)) as make:
        yield make


@pytest.fixture
def nexus_redis(request: pytest.FixtureRequest) -> Iterator[RedisUser]:
    """A Redis user that sees only keys and channels with its prefix; the keys are removed after the test."""
    from nexusdev.testing.resources import RedisUser

    with _measured(request, "nexus_redis") as mark:
        run = run_of(request.config)
        with run.slice("redis") as variables:
            mark()
            yield RedisUser.of(variables, run.ca_file)
            mark()


@pytest.fixture
def nexus_s3(request: pytest.FixtureRequest) -> Iterator[S3Bucket]:
    """A bucket and a key that sees only it; the objects are removed after the test."""
    from nexusdev.testing.resources import S3Bucket

    with _measured(request, "nexus_s3") as mark:
        run = run_of(request.config)
        with run.slice("minio") as variables:
            mark()
            yield S3Bucket.of(variables, run.ca_file)
            mark()


@pytest.fixture
def nexus_vault(request: pytest.FixtureRequest) -> Iterator[VaultFolder]:
    """A folder in Vault and a token that sees only it; the secrets are removed after the test."""
    from nexusdev.testing.resources import VaultFolder

    with _measured(request, "nexus_vault") as mark, run_of(request.config).slice("vault") as variables:
        mark()
        yield VaultFolder.of(variables)
        mark()


@pytest.fixture
def nexus_chaos(request: pytest.FixtureRequest) -> Iterator[Chaos]:
    """Breaks servers: ``kill``, ``pause``, ``partition``, ``wait_failover`` … No other test runs meanwhile; afterwards all are ready again."""
    from nexusdev.testing.chaos import Chaos

    run = run_of(request.config)
    if not request.config.getoption("--nexus-allow-chaos"):
        pytest.fail(
            f"nexusdev: this test breaks servers of instance {run.instance.name}; run it with --nexus-allow-chaos",
            pytrace=False,
        )
    chaos = Chaos(run)
    yield chaos
    chaos.restore()


@pytest.fixture
def nexus_env(
    request: pytest.FixtureRequest,
    nexus_pg: PostgresDatabase,
    nexus_redis: RedisUser,
    nexus_s3: S3Bucket,
    nexus_vault: VaultFolder,
) -> Mapping[str, str]:
    """The variables of ``nexusdev env``, pointed at this test's database, Redis user, bucket and Vault folder."""
    from nexusdev.testing.resources import ConcealedVariables

    values = ConcealedVariables(run_of(request.config).values)
    for each in (nexus_pg, nexus_redis, nexus_s3, nexus_vault):
        values.update(each.variables)
    return values
