"""What goes wrong with the usual ways to test with real servers, tried with this plugin.

| where | what goes wrong there | the test here |
|---|---|---|
| testcontainers-python, issue 567 | a process of pytest-xdist that ends removes the containers of the others | ``test_a_worker_that_dies_…`` |
| pytest-databases | a run begins by stopping all containers with its label, also those of another checkout | ``test_the_end_of_another_run_…`` |
| pytest-databases | all tests of a process use one database | ``test_a_customer_is_alone_…`` of the fixtures' suite |
| pytest-postgresql | a connection to the template that is left open fails every later test | ``test_connections_that_are_left_open_…`` |
| pytest-postgresql | two runs without pytest-xdist use one database name | ``test_the_end_of_another_run_…`` |
| pytest-django | with ``--reuse-db``, changed migrations meet the tables of the last run | ``test_changed_migrations_create_another_template`` |
| pytest-django | a killed run leaves a database, and the next run asks about it | ``test_an_interrupted_run_leaves_nothing`` |
| Aspire.Hosting.Testing | tests of one application share its data, and so do runs with persistent containers | ``test_a_second_run_…`` |
| all of them | without an engine the tests are skipped, or each fails with a traceback | ``test_a_missing_instance_is_explained_…`` |
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nexusdev
from tests.integration.conftest import Project
from tests.integration.test_pytest_plugin import checkout, no_templates_left, nothing_left, run, stack, start

pytestmark = [pytest.mark.integration, pytest.mark.long]
__all__ = ["checkout", "no_templates_left", "nothing_left", "stack"]

#: A test that uses all four systems, waits for a file, and uses them again.
WAITS = """
import io, pathlib, time
import pytest

def use(pg, redis, s3, vault, name):
    with pg.connect() as connection:
        connection.execute("INSERT INTO customers (name) VALUES (%s)", [name])
        count = connection.execute("SELECT count(*) FROM customers").fetchone()[0]
    redis.client().rpush(redis.key("names"), name)
    s3.client().put_object(s3.bucket, name, io.BytesIO(b"x"), 1)
    vault.client().secrets.kv.v2.create_or_update_secret(vault.path(name), {"a": "b"}, mount_point="secret")
    return [
        count, redis.client().llen(redis.key("names")), len(list(s3.client().list_objects(s3.bucket))),
        len(vault.client().secrets.kv.v2.list_secrets(vault.prefix, mount_point="secret")["data"]["keys"]),
    ]

def test_it_keeps_what_it_has(nexus_pg, nexus_redis, nexus_s3, nexus_vault):
    assert use(nexus_pg, nexus_redis, nexus_s3, nexus_vault, "before") == [1, 1, 1, 1]
    pathlib.Path("began").touch()
    end = time.monotonic() + 120
    while not pathlib.Path("go").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    time.sleep(0.5)
    assert use(nexus_pg, nexus_redis, nexus_s3, nexus_vault, "after") == [2, 2, 2, 2]
"""
DIES = """
import os, pathlib, time
def test_it_dies(nexus_pg, nexus_redis, nexus_s3, nexus_vault):
    end = time.monotonic() + 120
    while not pathlib.Path("began").exists():
        assert time.monotonic() < end
        time.sleep(0.05)
    pathlib.Path("go").touch()
    os._exit(1)
"""
LEAVES_OPEN = """
import psycopg
import pytest

left = []

@pytest.mark.parametrize("number", range(4))
def test_a_connection_is_left_open(nexus_pg, number):
    for _ in range(3):
        left.append(nexus_pg.connect())
        left[-1].execute("INSERT INTO customers (name) VALUES ('Ada')")
    assert left[-1].execute("SELECT count(*) FROM customers").fetchone() == (1,)

def test_the_template_cannot_be_entered(nexus_pg, nexus):
    with nexus_pg.connect() as connection:
        closed = "SELECT count(*) FROM pg_database WHERE datname LIKE 'lease_%' AND NOT datallowconn"
        assert connection.execute(closed).fetchone()[0] >= 1
"""


def until(path: Path, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_worker_that_dies_takes_nothing_from_the_others(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "check_waits.py").write_text(WAITS)
    (folder / "check_dies.py").write_text(DIES)
    out = run(project, stack, folder, "-n", "2", "--dist", "loadfile", "check_waits.py", "check_dies.py")
    assert "1 failed, 1 passed" in out, out
    assert "crashed while running 'check_dies.py::test_it_dies'" in out, out
    assert project.run("lease", "drop", "--expired").code == 0
    assert nothing_left() == []


def test_the_end_of_another_run_takes_nothing_from_this_one(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    one, other = checkout("one"), checkout("other")
    for folder in (one, other):
        (folder / "check_waits.py").write_text(WAITS)
    process = start(project, stack, one, "check_waits.py", "-n", "0")
    until(one / "began", process)
    (other / "go").touch()
    assert "1 passed" in run(project, stack, other, "check_waits.py", "-n", "0")
    (one / "go").touch()
    out = process.communicate(timeout=120)[0]
    assert "1 passed" in out, out
    assert nothing_left() == []


def test_a_second_run_begins_with_empty_servers(
    project: Project, stack: nexusdev.StackHandle, checkout: Callable[[str], Path]
) -> None:
    folder = checkout("shop")
    (folder / "check_waits.py").write_text(WAITS)
    (folder / "go").touch()
    for _ in range(2):
        assert "1 passed" in run(project, stack, folder, "check_waits.py", "-n", "0")


def test_connections_that_are_left_open_disturb_nobody(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "check_open.py").write_text(LEAVES_OPEN)
    out = run(project, stack, folder, "check_open.py", "-n", "0")
    assert "5 passed" in out, out
    assert nothing_left() == []
