"""The pytest plugin: fixtures with real servers of a running instance, isolated per test.

Every pytest run in an environment that has nexusdev loads this module, so it imports the standard library and pytest alone.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    import psycopg

    from nexusdev.testing.instance import NexusInstance
    from nexusdev.testing.migrations import Migrations
    from nexusdev.testing.resources import PostgresDatabase, RedisUser, S3Bucket, VaultFolder
    from nexusdev.testing.run import TestRun

MODES = ("auto", "attach", "off")
MISSING = ("fail", "skip")
#: The costs of a fixture are properties of the test's report: these arrive in the controller of xdist as well.
_COST = "nexus-cost-"
_RUN: pytest.StashKey[TestRun | str] = pytest.StashKey()
_WANTED: pytest.StashKey[frozenset[str]] = pytest.StashKey()
_PARTS = {"nexus_redis": "redis", "nexus_s3": "minio", "nexus_vault": "vault"}
_MARKER = (
    "nexus(migrations=None): what nexus_pg and nexus_pg_tx begin with: a path (alembic.ini, manage.py, a folder of .sql files),"
    " 'module:function', or a function that takes the database's URL."
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and settings."""
    group = parser.getgroup("nexus", "nexusdev: PostgreSQL, Redis, MinIO and Vault of a running instance")
    group.addoption(
        "--nexus",
        default="auto",
        metavar="MODE",
        help="auto, attach: use the project's running instance; off: tests that need one are skipped.",
    )
    group.addoption("--nexus-instance", default="", metavar="NAME", help="The instance (default: the project's).")
    group.addoption(
        "--nexus-missing",
        default="fail",
        metavar="fail|skip",
        help="What happens to tests that need an instance if there is none (default: fail).",
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
    if config.getoption("--nexus-report") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(CostReport(), "nexus-cost-report")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Note which fixtures the tests will ask for, so that they are made at once when the first one is needed."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    session.config.stash[_WANTED] = frozenset(part for name, part in _PARTS.items() if name in names)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse arguments of the marker that are not known."""
    for marker in item.iter_markers("nexus"):
        if marker.args or set(marker.kwargs) - {"migrations"}:
            raise pytest.UsageError(f"{item.nodeid}: the marker nexus only takes migrations=…")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give the summary at the end the first line of our failures: in CI (``CI`` is set) pytest prints messages whole there."""
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None and crash.message.startswith("Failed: nexusdev:"):
        crash.message = crash.message.partition("\n")[0]
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Drop everything that this process made, after the fixtures have ended and before xdist ends its worker."""
    run = session.config.stash.get(_RUN, "")
    if isinstance(run, str):
        return
    from nexusdev.errors import NexusError

    try:
        run.close()
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
    is_first = _RUN not in config.stash
    if is_first:
        config.stash[_RUN] = attached = _attached(config)
        if not isinstance(attached, str):
            wanted = config.stash.get(_WANTED, frozenset())
            attached.prepare(wanted)
    found = config.stash[_RUN]
    if isinstance(found, str):
        _missing(config, found if is_first else f"{found.splitlines()[0]} (see the first test that needed it)")
    return found


def _attached(config: pytest.Config) -> TestRun | str:
    """Return the resources of this process, or five lines that say why there are none."""
    from nexusdev.errors import NexusError
    from nexusdev.testing.run import TestRun

    worker: Mapping[str, str] = getattr(config, "workerinput", {})
    identity = f"{worker.get('testrunuid', os.getpid())} {worker.get('workerid', '')} {time.time_ns()}"
    try:
        return TestRun(config.rootpath, instance=config.getoption("--nexus-instance"), identity=identity)
    except NexusError as error:
        hint = error.hint.splitlines()[0] if error.hint else "nexusdev up"
        return "\n".join(
            (
                "nexusdev: these tests need a running instance, and there is none that can be used",
                f"  tried    to attach to the instance of {config.rootpath}",
                f"  why      {error.message}{f': {error.why}' if error.why else ''}",
                f"  next     {hint}",
                "  or       --nexus-instance NAME to use another one, --nexus-missing=skip to skip these tests",
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
    from nexusdev.testing.migrations import MigrationFailed, recognize

    marker = request.node.get_closest_marker("nexus") if request.scope == "function" else None
    given = (marker.kwargs.get("migrations") if marker else None) or request.config.getini("nexus_migrations")
    if not given:
        return None
    try:
        return recognize(given, request.config.rootpath)
    except MigrationFailed as error:
        pytest.fail(str(error), pytrace=False)


@contextmanager
def _database(request: pytest.FixtureRequest, migrations: Migrations | None = None) -> Iterator[PostgresDatabase]:
    from nexusdev.testing.migrations import MigrationFailed
    from nexusdev.testing.resources import PostgresDatabase

    run = run_of(request.config)
    with ExitStack() as used:
        try:
            variables = used.enter_context(run.database(migrations))
        except MigrationFailed as error:
            pytest.fail(str(error), pytrace=False)
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
            pytest.fail(str(error), pytrace=False)
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
