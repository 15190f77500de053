"""The pytest plugin: the suite of a small shop in all ways in which people run pytest. Afterwards nothing is left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import hvac
import pytest

import nexusdev
from nexusdev.instance.leases import LeaseStore
from nexusdev.instance.paths import folder_of
from nexusdev.operations.lease_desk import open_desk
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration

SUITE = Path(__file__).parents[1] / "fixtures_suite"
TESTS = 39
#: ``python -m pytest`` that obeys SIGINT also if this run is a shell's background job, whose children ignore it.
PYTEST = "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.console_main())"


@pytest.fixture
def stack(project: Project, monkeypatch: pytest.MonkeyPatch) -> nexusdev.StackHandle:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(project.state))
    return nexusdev.open(project.folder)


@pytest.fixture(autouse=True)
def no_templates_left(project: Project, stack: nexusdev.StackHandle) -> Iterator[None]:
    """Templates are kept for the next run of a suite; those of these tests have none."""
    before = {each.name for each in stack.leases().leases}
    yield
    for each in stack.leases().leases:
        if each.name.startswith("pytest-template-") and each.name not in before:
            project.run("lease", "drop", each.name)


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[[str], Path]:
    """Copies the suite into a folder of its own."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(SUITE, tmp_path / name))

    return copy


def start(project: Project, stack: nexusdev.StackHandle, folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PYTEST, "-q", "--nexus-instance", stack.instance, *options],
        cwd=folder,
        env={**project.environment, "NEXUSDEV_STATE_DIR": str(project.state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def run(project: Project, stack: nexusdev.StackHandle, folder: Path, *options: str) -> str:
    process = start(project, stack, folder, *options)
    return process.communicate(timeout=300)[0]


def left(project: Project, stack: nexusdev.StackHandle, before: set[str]) -> list[str]:
    """The ids of leases that the servers or the state folder hold and did not hold before. Templates are kept on purpose."""
    context = stack._context()
    desk = open_desk(context, context.instance(), "a test")
    found = set().union(*(part.found(desk.connect()) for part in desk.parts.values()))
    records = LeaseStore(folder=folder_of(project.state, stack.instance)).all()
    kept = {each.record.id for each in records if each.name.startswith("pytest-template-")}
    return sorted((found | {each.record.id for each in records}) - kept - before)


@pytest.fixture
def nothing_left(project: Project, stack: nexusdev.StackHandle) -> Callable[[], list[str]]:
    before = set(left(project, stack, set()))
    return lambda: left(project, stack, before)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=" ".join(options), marks=marks)
        for options, marks in (
            (("-n", "0"), ()),
            (("-n", "4"), pytest.mark.long),
            (("-n", "2", "--dist", "loadfile"), pytest.mark.long),
        )
    ],
)
def test_the_suite_passes_and_cleans_up(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
    options: tuple[str, ...],
) -> None:
    out = run(project, stack, checkout("shop"), *options, "--nexus-report")
    assert f"{TESTS} passed" in out, out
    assert "nexus_redis" in out.partition("nexus fixtures")[2]
    assert nothing_left() == []


@pytest.mark.long
def test_two_checkouts_run_at_the_same_time(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    both = [start(project, stack, checkout(name), "-n", "2") for name in ("one", "two")]
    for each in both:
        out = each.communicate(timeout=300)[0]
        assert f"{TESTS} passed" in out, out
    assert nothing_left() == []


@pytest.mark.long
def test_the_token_of_a_process_ends_with_it(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "check_token.py").write_text(
        "import pathlib\n"
        "def test_it(nexus_vault):\n"
        "    assert nexus_vault.client().auth.token.lookup_self()\n"
        "    pathlib.Path('token').write_text(nexus_vault.token)\n"
    )
    out = run(project, stack, folder, "check_token.py", "-n", "0")
    assert "1 passed" in out, out
    variables = stack.env().variables
    token = (folder / "token").read_text()
    client = hvac.Client(url=variables["VAULT_ADDR"], token=token, verify=variables["VAULT_CACERT"])
    with pytest.raises(hvac.exceptions.Forbidden):
        client.auth.token.lookup_self()
    assert nothing_left() == []


@pytest.mark.parametrize(
    "stop", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGKILL], ids=["ctrl-c", "kill"]
)
def test_an_interrupted_run_leaves_nothing(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
    stop: signal.Signals,
) -> None:
    folder = checkout("shop")
    (folder / "check_slow.py").write_text(
        "import time, pathlib\n"
        "def test_it(nexus_pg, nexus_redis, nexus_s3, nexus_vault):\n"
        "    pathlib.Path('began').touch()\n"
        "    time.sleep(120)\n"
    )
    process = start(project, stack, folder, "check_slow.py", "-n", "0")
    end = time.monotonic() + 120
    while not (folder / "began").exists():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.1)
    assert in_use(project, process.pid) == 4
    os.killpg(process.pid, stop)
    process.communicate(timeout=120)
    if stop == signal.SIGKILL:
        assert project.run("lease", "drop", "--expired").code == 0
    assert nothing_left() == []


def in_use(project: Project, pid: int) -> int:
    """The number of leases that are listed as in use by this process, one per component at least."""
    listed = project.run("lease", "list", "--json").data["leases"]
    return len({next(iter(each["resources"])) for each in listed if each["used_by"] == f"pytest (pid {pid})"})


@pytest.mark.long
def test_failed_tests_run_again_and_a_failure_stops_the_run(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "check_a.py").write_text("def test_it(nexus_pg, nexus_redis):\n    assert False\n")
    assert "1 failed" in run(project, stack, folder, "-x", "--lf", "check_a.py", "check_services.py")
    assert "1 failed" in run(project, stack, folder, "--lf", "check_a.py", "check_services.py")
    assert nothing_left() == []


def test_failed_migrations_are_reported_with_their_error(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "migrations" / "003_wrong.sql").write_text("ALTER TABLE nothing ADD x int;")
    out = run(project, stack, folder, "check_orders.py", "-k", "alone")
    assert "6 errors" in out
    assert out.count("(see the first test that needed it)") >= 5
    assert 'relation "nothing" does not exist' in out
    assert "003_wrong.sql" in out
    assert nothing_left() == []


@pytest.mark.long
def test_changed_migrations_create_another_template(
    project: Project, stack: nexusdev.StackHandle, checkout: Callable[[str], Path]
) -> None:
    folder = checkout("shop")
    assert "6 passed" in run(project, stack, folder, "check_orders.py", "-k", "alone")
    (folder / "migrations" / "003_more.sql").write_text("INSERT INTO customers (name) VALUES ('Linus');")
    assert "6 failed" in run(project, stack, folder, "check_orders.py", "-k", "alone")


@pytest.mark.long
def test_the_suite_passes_in_random_order(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "conftest.py").write_text(
        "import random\n"
        "def pytest_collection_modifyitems(items):\n"
        "    random.Random(14).shuffle(items)\n"  # the same order in each worker
    )
    out = run(project, stack, folder, "-n", "2")
    assert f"{TESTS} passed" in out, out
    assert nothing_left() == []


@pytest.mark.long
def test_migrations_that_change_during_a_run_create_another_template(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
) -> None:
    folder = checkout("shop")
    (folder / "check_change.py").write_text(
        "import pathlib\n"
        "def count(database):\n"
        "    with database.connect() as connection:\n"
        "        return connection.execute('SELECT count(*) FROM customers').fetchone()\n"
        "def test_before(nexus_pg):\n"
        "    assert count(nexus_pg) == (0,)\n"
        "    insert = \"INSERT INTO customers (name) VALUES ('Linus')\"\n"
        "    pathlib.Path('migrations/003_more.sql').write_text(insert)\n"
        "def test_after(nexus_pg):\n"
        "    assert count(nexus_pg) == (1,)\n"
    )
    out = run(project, stack, folder, "-n", "0", "check_change.py")
    assert "2 passed" in out, out
    assert nothing_left() == []


CHAOS = """
import json, pathlib, time
import pytest

@pytest.fixture(autouse=True)
def times(request):
    began = time.time()
    yield
    line = json.dumps([request.node.name, began, time.time()])
    with pathlib.Path("times").open("a") as file:
        file.write(line + chr(10))

@pytest.mark.parametrize("number", range(4))
def test_beside(nexus_pg_tx, nexus_redis, number):
    nexus_pg_tx.execute("INSERT INTO customers (name) VALUES ('Ada')")
    nexus_redis.client().set(nexus_redis.key("a"), "1")

def test_alone_postgres(nexus_chaos, nexus_pg):
    before = nexus_chaos.leader("postgres")
    nexus_chaos.kill(before)
    assert nexus_chaos.wait_failover("postgres") != before
    with nexus_pg.connect() as connection:
        connection.execute("INSERT INTO customers (name) VALUES ('Ada')")

@pytest.mark.nexus(chaos=True)
def test_alone_redis(nexus_chaos, nexus_redis):
    before = nexus_chaos.leader("redis")
    nexus_chaos.pause(before)
    assert nexus_chaos.wait_failover("redis") != before
    nexus_redis.client().set(nexus_redis.key("a"), "1")

@pytest.mark.parametrize("number", range(4))
def test_beside_again(nexus_pg_tx, nexus_redis, number):
    test_beside(nexus_pg_tx, nexus_redis, number)

def test_that_fails(nexus_pg):
    assert False
"""


@pytest.mark.long
def test_servers_are_broken_by_one_test_at_a_time_and_are_whole_afterwards(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
    heal: None,
) -> None:
    folder = checkout("shop")
    (folder / "check_chaos.py").write_text(CHAOS)
    refused = run(project, stack, folder, "-n", "0", "check_chaos.py", "-k", "redis and alone")
    assert "run it with --nexus-allow-chaos" in refused, refused
    out = run(project, stack, folder, "-n", "2", "--nexus-allow-chaos", "check_chaos.py")
    assert "1 failed, 10 passed" in out, out
    assert "postgres: postgresql-" in out.partition("nexusdev: servers since the test began")[2], out
    times = [json.loads(line) for line in (folder / "times").read_text().splitlines()]
    for name, began, ended in times:
        if name.startswith("test_alone"):
            others = [other for other, start, end in times if other != name and start < ended and end > began]
            assert others == [], name
    assert stack.status().ready
    assert nothing_left() == []


@pytest.mark.long
def test_the_failover_test_of_the_suite_passes(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
    heal: None,
) -> None:
    out = run(project, stack, checkout("shop"), "-n", "0", "--nexus-allow-chaos", "failover.py")
    assert "1 passed" in out, out
    assert stack.status().ready
    assert nothing_left() == []


DEGRADED = """
import pytest

@pytest.mark.parametrize("number", range(3))
def test_a_cart_is_cached(nexus_redis, number):
    nexus_redis.client().set(nexus_redis.key("a"), "1")

@pytest.mark.parametrize("number", range(3))
def test_a_customer_is_kept(nexus_pg, number):
    pass
"""


@pytest.mark.long
def test_a_degraded_instance_fails_the_tests_that_need_what_is_down(
    project: Project,
    stack: nexusdev.StackHandle,
    checkout: Callable[[str], Path],
    nothing_left: Callable[[], list[str]],
    heal: None,
) -> None:
    folder = checkout("shop")
    (folder / "check_degraded.py").write_text(DEGRADED)
    (folder / "pytest.ini").write_text("[pytest]\npython_files = check_*.py\n")
    assert project.run("stop", "postgres").code == 0
    out = run(project, stack, folder, "-n", "0", "check_degraded.py")
    assert "3 passed, 3 errors" in out, out
    assert "nexusdev: PostgreSQL: " in out, out
    assert "nexusdev status   show the state of PostgreSQL" in out, out
    project.up()
    assert project.run("lease", "drop", "--expired").code == 0
    assert nothing_left() == []
