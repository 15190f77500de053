"""Caches and queues as frameworks use them, with the application's login: nothing is denied, and a full memory loses no job."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis as redis_py

from tests.integration import client_venv
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

DOCS = Path(__file__).parents[3] / "docs" / "rights.md"


def database_9(variables: Mapping[str, str]) -> str:
    """REDIS_URL with another database: what these tests empty is not what others count on."""
    return re.sub(r"/0(?=$|\?)", "/9", variables["REDIS_URL"])


@pytest.fixture
def client(variables: Mapping[str, str]) -> Iterator[Any]:
    """The application's own client; its database 9 is empty before and after."""
    made = redis_py.Redis.from_url(database_9(variables), ssl_ca_certs=variables["NEXUSDEV_CA_FILE"])
    made.flushdb()
    yield made
    made.flushdb()
    made.close()


@pytest.mark.parametrize(
    "backend",
    ["django_redis.cache.RedisCache", "django.core.cache.backends.redis.RedisCache"],
    ids=["django-redis", "Django"],
)
def test_a_django_cache_is_cleared(variables: Mapping[str, str], tmp_path: Path, backend: str) -> None:
    python = client_venv.python("django>=5,<6", "django-redis>=5,<7")
    program = f"""
        import os
        from django.conf import settings
        cache = {{"BACKEND": "{backend}", "LOCATION": os.environ["REDIS_URL"]}}
        settings.configure(CACHES={{"default": cache}})
        from django.core.cache import cache
        cache.set("greeting", "hello", timeout=60)
        assert cache.get("greeting") == "hello"
        cache.clear()
        print(cache.get("greeting"))
    """
    environment = {**variables, "REDIS_URL": database_9(variables)}
    assert client_venv.run(python, program, environment, folder=tmp_path) == "None"


@pytest.mark.parametrize("version", ["rq==1.16.*", "rq>=2"])
def test_an_rq_worker_works(variables: Mapping[str, str], tmp_path: Path, version: str) -> None:
    python = client_venv.python(version)
    (tmp_path / "tasks.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "enqueue.py").write_text(
        "import os, redis, rq, tasks\n"
        "print(rq.Queue('sums', connection=redis.from_url(os.environ['REDIS_URL'])).enqueue(tasks.add, 2, 3).id)\n"
    )
    job = client_venv.command([str(python), "enqueue.py"], variables, folder=tmp_path)
    worker = [str(python.parent / "rq"), "worker", "--burst", "--path", ".", "--url", variables["REDIS_URL"], "sums"]
    client_venv.command(worker, variables, folder=tmp_path)
    program = f"""
        import os, redis
        from rq.job import Job
        job = Job.fetch("{job}", connection=redis.from_url(os.environ["REDIS_URL"]))
        print(job.get_status(), job.return_value() if callable(job.return_value) else job.result)
    """
    assert client_venv.run(python, program, variables, folder=tmp_path).endswith("5")


def test_a_celery_worker_works(variables: Mapping[str, str], tmp_path: Path) -> None:
    python = client_venv.python("celery[redis]>=5.4,<6")
    (tmp_path / "tasks.py").write_text(
        "import os\nfrom celery import Celery\n"
        "app = Celery('tasks', backend=os.environ['CELERY_RESULT_BACKEND'])\n"
        "app.conf.broker_connection_retry_on_startup = True\n"
        "@app.task\ndef add(a, b):\n    return a + b\n"
    )
    argv = [str(python), "-m", "celery", "-A", "tasks", "worker", "-P", "solo", "-l", "warning"]
    path = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    with subprocess.Popen(argv, cwd=tmp_path, env={**path, **variables}, stderr=subprocess.DEVNULL) as worker:
        try:
            program = "import tasks; print(tasks.add.delay(2, 3).get(timeout=40))"
            assert client_venv.run(python, program, variables, folder=tmp_path) == "5"
        finally:
            worker.terminate()


def test_a_password_without_a_user_is_the_application(variables: Mapping[str, str], client: Any) -> None:
    login: dict[str, Any] = {
        "host": "127.0.0.1",
        "password": variables["REDIS_PASSWORD"],
        "ssl": True,
        "ssl_ca_certs": variables["NEXUSDEV_CA_FILE"],
    }
    plain = redis_py.Redis(port=int(variables["REDIS_PORT"]), db=9, **login)
    assert plain.set("from", "nobody")
    assert client.get("from") == b"nobody"
    with pytest.raises(redis_py.exceptions.NoPermissionError):
        plain.flushall()
    sentinel: Any = redis_py.Redis(port=int(variables["REDIS_SENTINELS"].split(",")[0].rsplit(":", 1)[1]), **login)
    assert sentinel.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", variables["REDIS_MASTER_NAME"])


LIBRARY = "#!lua name=shop\nredis.register_function('total', function() return 7 end)"


def test_the_application_loads_functions_but_cannot_remove_them(client: Any) -> None:
    assert client.function_load(LIBRARY, replace=True) in {b"shop", "shop"}
    assert client.function_load(LIBRARY, replace=True)
    assert client.fcall("total", 0) == 7
    dump = client.function_dump()
    for words in (["FLUSH"], ["DELETE", "shop"], ["RESTORE", dump, "FLUSH"]):
        with pytest.raises(redis_py.exceptions.NoPermissionError):
            client.execute_command("FUNCTION", *words)
    assert client.fcall("total", 0) == 7


def test_the_docs_list_every_forbidden_command(project: Project) -> None:
    def answers(*words: str) -> set[str]:
        return set(project.run("redis", "--", "--user", "nexus_admin", *words).out.split())

    dangerous = answers("ACL", "CAT", "dangerous") | answers("ACL", "CAT", "admin")
    assert {"flushall", "config|set", "replicaof"} <= dangerous
    text = DOCS.read_text()
    rules = next(line for line in text.splitlines() if line.startswith("~* &*"))
    allowed, refused = (set(re.findall(rf"{sign}(\w+(?:\|\w+)?)(?= |$)", rules)) for sign in (r"\+", " -"))
    closed = {name for name in dangerous - allowed if name not in _containers(dangerous)} | refused
    table = text[text.index("These commands stay closed") : text.index("### Memory")]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    named = {word.lower().replace(" ", "|") for row in rows for word in re.findall(r"`([^`]+)`", row)}
    assert {name for name in closed if name not in named and f"{name.split('|')[0]}|*" not in named} == set()
    assert {name for name in named if name not in closed and not _any(name, closed)} == set()


def test_the_users_on_the_servers_match_the_compose_file(project: Project) -> None:
    """Seeding compares the two as text, and would set a user again and again where they differ."""
    assert project.run("seed", "redis").code == 0
    assert project.run("seed", "redis", "--json").data["changes"]["redis"] == []


def _containers(names: set[str]) -> set[str]:
    """Commands that consist of subcommands: ``config`` of ``config|get``."""
    return {name.split("|")[0] for name in names if "|" in name}


def _any(pattern: str, names: set[str]) -> bool:
    return pattern.endswith("|*") and any(name.startswith(pattern[:-1]) for name in names)


def _fill(client: Any) -> None:
    """300 MiB of a cache."""
    for number in range(300):
        client.set(f"cache:{number}", b"x" * 2**20, ex=60)


def test_full_memory_refuses_writes_and_loses_no_job(project: Project, client: Any) -> None:
    def limit(size: str) -> None:
        assert project.run("redis", "--", "--user", "nexus_admin", "CONFIG", "SET", "maxmemory", size).code == 0

    batch = client.pipeline(transaction=False)
    for number in range(3000):
        batch.rpush("queue", f"job {number}")
    batch.execute()
    limit("24mb")
    try:
        with pytest.raises(redis_py.exceptions.OutOfMemoryError):
            _fill(client)
        assert client.llen("queue") == 3000
        assert client.get("cache:0") is not None
        row = next(row for row in project.run("status", "--json").data["nodes"] if row["role"] == "master")
        assert "memory in use" in row["detail"], row
        client.delete(*(f"cache:{number}" for number in range(5)))
        client.set("cache:again", b"x" * 1024, ex=60)
        client.flushdb()
    finally:
        limit("512mb")
