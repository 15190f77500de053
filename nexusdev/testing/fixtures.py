"""The fixtures of the pytest plugin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

from nexusdev.testing.attach import fail, run_of
from nexusdev.testing.costs import measured

if TYPE_CHECKING:
    import psycopg

    from nexusdev.testing.chaos import Chaos
    from nexusdev.testing.instance import NexusInstance
    from nexusdev.testing.migrations import Migrations
    from nexusdev.testing.resources import PostgresDatabase, RedisUser, S3Bucket, VaultFolder

Given = TypeVar("Given")


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
        _fail_migrations(error)


@contextmanager
def _lent(used: AbstractContextManager[Given]) -> Iterator[Given]:
    """Enter a context for a test. What it raises at its beginning becomes the test's failure, in words."""
    from nexusdev.errors import NexusError
    from nexusdev.testing.migrations import MigrationFailed

    with ExitStack() as held:
        try:
            given = held.enter_context(used)
        except MigrationFailed as error:
            _fail_migrations(error)
        except NexusError as error:
            fail(error)
        yield given


def _fail_migrations(error: Exception) -> NoReturn:
    pytest.fail(f"nexusdev: {error}", pytrace=False)


@contextmanager
def _database(request: pytest.FixtureRequest, migrations: Migrations | None = None) -> Iterator[PostgresDatabase]:
    from nexusdev.testing.resources import PostgresDatabase

    with _lent(run_of(request.config).database(migrations)) as variables:
        yield PostgresDatabase.of(variables)


@pytest.fixture(scope="session")
def nexus(request: pytest.FixtureRequest) -> NexusInstance:
    """The running instance: its name, ``env()``, ``logs()``, ``wait_ready()``."""
    from nexusdev.testing.instance import NexusInstance

    return NexusInstance(run_of(request.config))


@pytest.fixture
def nexus_pg(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    """A fresh PostgreSQL database and the login that owns it, with the tables of the migrations."""
    with measured(request, "nexus_pg") as mark, _database(request, migrations_of(request)) as database:
        mark()
        yield database
        mark()


@pytest.fixture
def nexus_pg_tx(request: pytest.FixtureRequest) -> Iterator[psycopg.Connection[Any]]:
    """A psycopg connection whose transaction is rolled back after the test. All tests of a process use one database."""
    run = run_of(request.config)
    with measured(request, "nexus_pg_tx") as mark, _lent(run.transaction(migrations_of(request))) as connection:
        mark()
        yield connection
        mark()


@pytest.fixture(scope="session")
def nexus_pg_factory(request: pytest.FixtureRequest) -> Iterator[Callable[..., PostgresDatabase]]:
    """Makes fresh databases for fixtures of any scope; they are dropped at the end: ``factory(migrations="manage.py")``."""
    from nexusdev.testing.migrations import MigrationFailed, recognize

    with ExitStack() as used:

        def make(*, migrations: object = None) -> PostgresDatabase:
            given = migrations or request.config.getini("nexus_migrations")
            try:
                found = recognize(given, request.config.rootpath) if given else None
            except MigrationFailed as error:
                _fail_migrations(error)
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
            return give(used.enter_context(_lent(run.slice(component))), run.ca_file)

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

    run = run_of(request.config)
    with measured(request, "nexus_redis") as mark, _lent(run.slice("redis")) as variables:
        mark()
        yield RedisUser.of(variables, run.ca_file)
        mark()


@pytest.fixture
def nexus_s3(request: pytest.FixtureRequest) -> Iterator[S3Bucket]:
    """A bucket and a key that sees only it; the objects are removed after the test."""
    from nexusdev.testing.resources import S3Bucket

    run = run_of(request.config)
    with measured(request, "nexus_s3") as mark, _lent(run.slice("minio")) as variables:
        mark()
        yield S3Bucket.of(variables, run.ca_file)
        mark()


@pytest.fixture
def nexus_vault(request: pytest.FixtureRequest) -> Iterator[VaultFolder]:
    """A folder in Vault and a token that sees only it; the secrets are removed after the test."""
    from nexusdev.testing.resources import VaultFolder

    run = run_of(request.config)
    with measured(request, "nexus_vault") as mark, _lent(run.slice("vault")) as variables:
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
    if run.instance.single and run.instance.in_memory:
        pytest.fail(
            f"nexusdev: the {run.instance.single} stack has one server of each product, which loses its data when it stops;"
            " run this test with --nexus-tier=ha",
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
