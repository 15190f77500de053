"""Leases on the real servers: what one lease holds, nobody else reads; what it leaves, nobody finds."""

from __future__ import annotations

import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from configparser import ConfigParser
from pathlib import Path

import hvac
import psycopg
import pytest
import redis
from minio import Minio
from minio.error import S3Error
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo
from urllib3 import PoolManager

import nexusdev
from nexusdev.errors import UsageError
from nexusdev.instance.leases import Lease, LeaseStore
from nexusdev.instance.paths import folder_of
from nexusdev.operations import gc
from nexusdev.operations.lease_desk import open_desk
from tests.integration import client_venv
from tests.integration.conftest import Project
from tests.integration.postgres.test_test_runners import DJANGO, site

pytestmark = pytest.mark.integration
__all__ = ["site"]

Variables = Mapping[str, str]


@pytest.fixture
def stack(project: Project, monkeypatch: pytest.MonkeyPatch) -> nexusdev.StackHandle:
    """The session's instance, by the Python API."""
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(project.state))
    return nexusdev.open(project.folder)


@pytest.fixture
def lease(stack: nexusdev.StackHandle) -> Iterator[Callable[..., nexusdev.LeaseHandle]]:
    """Creates leases; all of them are dropped after the test."""
    made: list[nexusdev.LeaseHandle] = []

    def create(name: str = "", **options: str | float) -> nexusdev.LeaseHandle:
        made.append(stack.lease(name, **options))  # type: ignore[arg-type]  # the options of the API
        return made[-1]

    yield create
    for each in made:
        each.drop()


def connect(variables: Variables, url: str = "DATABASE_URL") -> psycopg.Connection:
    return psycopg.connect(variables[url], sslrootcert=variables["PGSSLROOTCERT"], autocommit=True)


def cache(variables: Variables) -> redis.Redis:
    return redis.Redis.from_url(variables["REDIS_URL"], ssl_ca_certs=variables["SSL_CERT_FILE"], decode_responses=True)


def bucket_client(variables: Variables) -> Minio:
    return Minio(
        variables["MINIO_ENDPOINT"],
        access_key=variables["MINIO_ACCESS_KEY"],
        secret_key=variables["MINIO_SECRET_KEY"],
        region=variables["AWS_REGION"],
        http_client=PoolManager(ca_certs=variables["AWS_CA_BUNDLE"]),
    )


def vault_client(variables: Variables) -> hvac.Client:
    return hvac.Client(url=variables["VAULT_ADDR"], token=variables["VAULT_TOKEN"], verify=variables["VAULT_CACERT"])


def write(client: hvac.Client, path: str, value: str) -> None:
    client.secrets.kv.v2.create_or_update_secret(path, {"value": value}, mount_point="secret")


def read(client: hvac.Client, path: str) -> object:
    found = client.secrets.kv.v2.read_secret_version(path, mount_point="secret", raise_on_deleted_version=True)
    return found["data"]["data"]["value"]


def fresh_name() -> str:
    """A name that no other run of the tests uses on this instance."""
    return f"t-{uuid.uuid4().hex[:12]}"


def test_a_database_of_a_lease_is_closed_to_another_lease(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    one, other = lease().variables, lease().variables
    for mine, theirs in ((one, other), (other, one)):
        with connect(mine) as connection:
            connection.execute("CREATE TABLE notes (text text)")
            connection.execute("INSERT INTO notes VALUES ('mine')")
        strange = {
            **theirs,
            "DATABASE_URL": theirs["DATABASE_URL"].replace(theirs["PGDATABASE"] + "?", mine["PGDATABASE"] + "?"),
        }
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            connect(strange)


def test_all_paths_to_the_database_of_a_lease_work(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    variables = lease().variables
    with connect(variables, "DATABASE_MIGRATION_URL") as connection:
        connection.execute("CREATE TABLE notes (id uuid DEFAULT uuid_generate_v4(), text text)")
        connection.execute("INSERT INTO notes (text) VALUES ('seen')")
    for url in ("DATABASE_URL", "DATABASE_POOL_URL", "DATABASE_TEST_URL"):
        with connect(variables, url) as connection:
            assert connection.execute("SELECT text FROM notes").fetchall() == [("seen",)]
    with connect(variables, "DATABASE_RO_URL") as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
    with by_service(variables) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == (variables["PGDATABASE"],)


def test_the_replicas_have_the_database_of_a_new_lease(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    for _ in range(10):
        with connect(lease().variables, "DATABASE_RO_URL") as connection:
            assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)


def by_service(variables: Variables) -> psycopg.Connection:
    """Connect with what the file of connection services says of the owner of the tables."""
    file = ConfigParser()
    file.read(variables["PGSERVICEFILE"])
    return psycopg.connect(make_conninfo(**file["nexus-migration"]))


def test_databases_created_by_a_lease_are_dropped_with_it(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    first, second = lease(), lease().variables
    further = f"test_{first.variables['PGDATABASE']}"
    with connect(first.variables) as connection:
        connection.execute(f'CREATE DATABASE "{further}"')
    there = first.variables["DATABASE_URL"].replace(first.variables["PGDATABASE"] + "?", further + "?")
    with connect({**first.variables, "DATABASE_URL": there}) as connection:
        connection.execute("CREATE TABLE notes (text text)")
    with (
        connect(
            {**second, "DATABASE_URL": second["DATABASE_URL"].replace(second["PGDATABASE"] + "?", further + "?")}
        ) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT * FROM notes")
    first.drop()
    with connect(second) as connection:
        assert connection.execute("SELECT FROM pg_database WHERE datname = %s", [further]).fetchall() == []


@pytest.fixture(params=["first", "second"])
def mine_and_theirs(
    request: pytest.FixtureRequest, lease: Callable[..., nexusdev.LeaseHandle]
) -> tuple[Variables, Variables]:
    """The variables of two leases; each of the two is once the one that tries to read what the other has."""
    pair = lease().variables, lease().variables
    return pair if request.param == "first" else (pair[1], pair[0])


def test_keys_and_channels_of_a_lease_are_closed_to_another_lease(mine_and_theirs: tuple[Variables, Variables]) -> None:
    mine, theirs = mine_and_theirs
    key = f"{mine['REDIS_KEY_PREFIX']}orders"
    with cache(mine) as owner, cache(theirs) as stranger:
        owner.set(key, "mine")
        assert owner.get(key) == "mine"
        attempts: list[Callable[[], object]] = [
            lambda: stranger.get(key),
            lambda: stranger.set(key, "theirs"),
            lambda: stranger.eval("return redis.call('GET', KEYS[1])", 1, key),
            lambda: stranger.eval(f"return redis.call('GET', '{key}')", 0),
            lambda: stranger.publish(key, "theirs"),
            lambda: stranger.execute_command("SUBSCRIBE", key),
            *(stranger.keys, stranger.scan, stranger.randomkey, stranger.flushdb),
            *(stranger.pubsub_channels, stranger.acl_list, stranger.client_list),
        ]
        for attempt in attempts:
            with pytest.raises(redis.ResponseError, match=r"(?i)permission"):
                attempt()


def test_every_redis_server_and_sentinel_has_the_user_of_a_lease(
    project: Project, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    variables = lease().variables
    for place in variables["REDIS_SENTINELS"].split(","):
        host, _, port = place.partition(":")
        with redis.Redis(
            host=host,
            port=int(port),
            username=variables["REDIS_USERNAME"],
            password=variables["REDIS_PASSWORD"],
            ssl=True,
            ssl_ca_certs=variables["SSL_CERT_FILE"],
        ) as sentinel:
            assert sentinel.sentinel_get_master_addr_by_name(variables["REDIS_MASTER_NAME"])
    for service in ("redis-0", "redis-1", "redis-2"):
        url = variables["REDIS_URL"].replace(f":{variables['REDIS_PORT']}/", f":{project.port(service, 6379)}/")
        with cache({**variables, "REDIS_URL": url}) as node:
            assert node.acl_whoami() == variables["REDIS_USERNAME"]


def test_a_bucket_of_a_lease_is_closed_to_another_lease(
    mine_and_theirs: tuple[Variables, Variables], tmp_path: Path
) -> None:
    mine, theirs = mine_and_theirs
    (tmp_path / "file").write_text("mine")
    file, bucket, further = str(tmp_path / "file"), mine["S3_BUCKET"], f"{mine['S3_BUCKET']}--further"
    owner, stranger = bucket_client(mine), bucket_client(theirs)
    owner.fput_object(bucket, "file", file)
    owner.make_bucket(further)
    assert [each.object_name for each in owner.list_objects(bucket)] == ["file"]
    attempts: list[Callable[[], object]] = [
        lambda: stranger.get_object(bucket, "file"),
        lambda: list(stranger.list_objects(bucket)),
        lambda: list(stranger.list_objects(further)),
        lambda: stranger.fput_object(bucket, "file", file),
        lambda: stranger.fput_object("nexus-app-data", "file", file),
        lambda: stranger.make_bucket("nexus-lease-of-nobody"),
    ]
    for attempt in attempts:
        with pytest.raises(S3Error, match="AccessDenied"):
            attempt()
    assert {each.name for each in owner.list_buckets()} == {bucket, further}
    assert {each.name for each in stranger.list_buckets()} == {theirs["S3_BUCKET"]}


def test_a_folder_of_a_lease_is_closed_to_another_lease(mine_and_theirs: tuple[Variables, Variables]) -> None:
    mine, theirs = mine_and_theirs
    path = f"{mine['VAULT_KV_PREFIX']}orders"
    owner, stranger = vault_client(mine), vault_client(theirs)
    write(owner, path, "mine")
    assert read(owner, path) == "mine"
    stranger.auth.approle.login(theirs["VAULT_ROLE_ID"], theirs["VAULT_SECRET_ID"])
    attempts: list[Callable[[], object]] = [
        lambda: read(stranger, path),
        lambda: read(stranger, "nexus/postgres"),
        lambda: write(stranger, path, "theirs"),
        lambda: stranger.secrets.kv.v2.list_secrets(mine["VAULT_KV_PREFIX"], mount_point="secret"),
    ]
    for attempt in attempts:
        with pytest.raises(hvac.exceptions.Forbidden):
            attempt()
    write(stranger, f"{theirs['VAULT_KV_PREFIX']}orders", "theirs")


def test_lease_variables_match_the_env_file_without_its_passwords(
    stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    own, leased = stack.env().variables, lease().variables
    assert own.keys() | {"REDIS_KEY_PREFIX", "S3_BUCKET", "VAULT_KV_PREFIX", "NEXUSDEV_LEASE"} == leased.keys()
    passwords = {
        own[name] for name in ("PGPASSWORD", "REDIS_PASSWORD", "MINIO_SECRET_KEY", "VAULT_TOKEN", "VAULT_SECRET_ID")
    }
    passwords |= {
        own[name].partition("://")[2].partition("@")[0] for name in ("DATABASE_MIGRATION_URL", "DATABASE_TEST_URL")
    }
    assert [name for name, value in leased.items() if any(each in value for each in passwords)] == []


def test_dropping_a_lease_removes_everything_and_ends_its_sessions(
    stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    gone = lease()
    variables = gone.variables
    with cache(variables) as keys:
        keys.set(f"{variables['REDIS_KEY_PREFIX']}binary".encode() + b"\xff\x00", "x")
    write(vault_client(variables), f"{variables['VAULT_KV_PREFIX']}a/b", "c")
    gone.drop()
    gone.drop()
    with pytest.raises(psycopg.OperationalError):
        connect(variables)
    with pytest.raises(redis.AuthenticationError), cache(variables) as keys:
        keys.ping()
    with pytest.raises(S3Error, match="InvalidAccessKeyId"):
        bucket_client(variables).list_buckets()
    with pytest.raises(hvac.exceptions.Forbidden):
        vault_client(variables).auth.token.lookup_self()
    assert gone.name not in {each.name for each in stack.leases().leases}
    assert not found_on_servers(stack, gone.info.id)


def found_on_servers(stack: nexusdev.StackHandle, lease_id: str) -> list[str]:
    """The components whose servers still hold something of a lease."""
    context = stack._context()
    desk = open_desk(context, context.instance(), "a test")
    return [name for name, part in desk.parts.items() if lease_id in part.found(desk.connect())]


def test_a_lease_has_the_tables_of_its_template(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    template = lease()
    with connect(template.variables) as connection:
        connection.execute("CREATE TABLE notes (text text); INSERT INTO notes VALUES ('migrated')")
        connection.execute("ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC")
        one, other = lease(template=template.name), lease(template=template.name)
    assert one.info.template == template.name
    with connect(one.variables) as connection:
        connection.execute("ALTER TABLE notes ADD number int")
        connection.execute("DELETE FROM notes")
    with connect(other.variables) as connection:
        assert connection.execute("SELECT * FROM notes").fetchall() == [("migrated",)]
    with pytest.raises(psycopg.OperationalError):
        connect(template.variables)
    with connect(one.variables) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"CREATE DATABASE stolen TEMPLATE {template.variables['PGDATABASE']}")
    template.drop()
    with connect(one.variables) as connection:
        gone = template.variables["PGDATABASE"]  # the name of the role, too
        assert connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [gone]).fetchall() == []
        assert connection.execute(
            "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'notes'"
        ).fetchone() == (one.variables["PGDATABASE"],)


@pytest.mark.parametrize("command", [("django", "test", "--parallel", "2"), ("pytest", "-q", "-n", "2")], ids=" ".join)
def test_the_runners_of_django_work_with_the_variables_of_a_lease(
    lease: Callable[..., nexusdev.LeaseHandle], site: Path, command: tuple[str, ...]
) -> None:
    variables = lease().variables
    python = client_venv.python(*DJANGO)
    environment = {**variables, "DJANGO_SETTINGS_MODULE": "settings"}
    client_venv.command([str(python), "-m", *command], environment, folder=site)
    with connect(variables) as connection:
        left = connection.execute("SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = current_user")
        assert left.fetchall() == [(variables["PGDATABASE"],)]


def test_a_lease_may_recreate_its_database_like_rails(lease: Callable[..., nexusdev.LeaseHandle]) -> None:
    again = lease()
    variables = again.variables
    maintenance = variables["DATABASE_URL"].replace(f"/{variables['PGDATABASE']}?", "/postgres?")
    with connect({**variables, "DATABASE_URL": maintenance}) as connection:
        connection.execute(f"DROP DATABASE {variables['PGDATABASE']}")
        connection.execute(f"CREATE DATABASE {variables['PGDATABASE']}")
    with connect(variables) as connection:
        connection.execute("CREATE TABLE notes (text text)")
    again.drop()


def test_ten_leases_are_created_concurrently(
    stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    with ThreadPoolExecutor(10) as threads:
        made = list(threads.map(lambda _: lease(), range(10)))
    assert len({each.variables["PGDATABASE"] for each in made}) == 10


def test_ten_concurrent_creators_of_a_name_have_one_winner(
    stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    name = fresh_name()

    def attempt(_: int) -> str:
        try:
            return lease(name).name
        except UsageError as error:
            return error.code

    with ThreadPoolExecutor(10) as threads:
        assert sorted(threads.map(attempt, range(10))) == sorted([name, *["LEASE_EXISTS"] * 9])


def test_a_prepared_lease_is_used_first(project: Project, stack: nexusdev.StackHandle) -> None:
    name = fresh_name()
    assert project.run("lease", "prepare", "1").code == 0
    created = project.run("lease", "create", name, "--json").data
    assert created["prepared"] is True
    with connect(dict(project.run("lease", "env", name, "--json").data["variables"])) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert project.run("lease", "drop", name).out == f"dropped {name}\n"


def test_an_expired_lease_is_dropped_by_the_next_command(
    project: Project, stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    over = lease()
    variables = over.variables
    expire(project, stack, over.name)
    assert over.name not in {each["name"] for each in project.run("lease", "list", "--json").data["leases"]}
    with pytest.raises(psycopg.OperationalError):
        connect(variables)


def test_gc_drops_an_expired_lease(
    project: Project, stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    over = lease()
    expire(project, stack, over.name)
    context = stack._context()
    (found,) = [each for each in gc.find_leftovers(context) if (each.kind, each.name) == ("lease", over.name)]
    assert found.reason == "it has expired"
    assert gc.remove(context, [found]).removed == (found,)
    assert found_on_servers(stack, over.info.id) == []


def expire(project: Project, stack: nexusdev.StackHandle, name: str) -> None:
    """Make a lease as old as one that has expired."""
    store = LeaseStore(folder=folder_of(project.state, stack.instance))
    lease = store.find(name)
    assert lease
    store.update(lease, replace(lease.record, expires=lease.record.created))


KILLED = """
import os, signal, sys
import nexusdev
from nexusdev.components.{component}.lease import {part}

make = {part}.make
def killed(*arguments, **options):
    make(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)

{part}.make = killed
nexusdev.open(sys.argv[1]).lease(sys.argv[2])
"""


@pytest.mark.parametrize(
    ("component", "part"),
    [("postgres", "PostgresLease"), ("redis", "RedisLease"), ("minio", "MinioLease"), ("vault", "VaultLease")],
)
def test_a_lease_whose_creation_was_killed_is_removed(
    project: Project, stack: nexusdev.StackHandle, component: str, part: str
) -> None:
    name = fresh_name()
    ran = subprocess.run(
        [sys.executable, "-c", KILLED.format(component=component, part=part), str(project.folder), name],
        env=project.environment,
        check=False,
    )
    assert ran.returncode == -signal.SIGKILL
    (left,) = [each for each in stack_records(project, stack) if each.name == name]
    assert component in found_on_servers(stack, left.record.id)
    dropped = project.run("lease", "drop", "--expired", "--json").data
    assert name in dropped["dropped"]
    assert found_on_servers(stack, left.record.id) == []


def stack_records(project: Project, stack: nexusdev.StackHandle) -> list[Lease]:
    return LeaseStore(folder=folder_of(project.state, stack.instance)).named()


def test_a_lease_whose_record_was_lost_is_removed(
    project: Project, stack: nexusdev.StackHandle, lease: Callable[..., nexusdev.LeaseHandle]
) -> None:
    lost = lease()
    (record,) = [each for each in stack_records(project, stack) if each.name == lost.name]
    (record.folder / "record.json").write_text("{")
    dropped = project.run("lease", "drop", "--expired", "--json").data
    assert lost.info.id in dropped["unrecorded"]
    assert not record.folder.exists()
    assert found_on_servers(stack, lost.info.id) == []
