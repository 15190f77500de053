"""reset and snapshots on the real servers: what an application wrote in all four systems goes, and comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import hvac
import pytest

from tests.integration.application import PostgresWriter, RedisWriter, S3Writer, VaultWriter, Writer, until
from tests.integration.conftest import Project, variables_of

pytestmark = pytest.mark.integration
_MARK = "instances/*/unfinished.json"


@contextmanager
def writers(project: Project, like: Sequence[Writer] = ()) -> Iterator[list[Writer]]:
    """One application in all four systems. ``like``: writers of before, whose records are read with the variables of now."""
    values = variables_of(project)
    made: list[Writer] = [
        PostgresWriter(variables=values),
        RedisWriter(variables=values),
        S3Writer(variables=values),
        VaultWriter(variables=values),
    ]
    for new, old in zip(made, like, strict=False):
        for name in ("table", "key", "bucket", "prefix", "path"):
            if hasattr(old, name):
                setattr(new, name, getattr(old, name))
    if not like and isinstance(made[0], PostgresWriter):
        made[0].prepare(values["DATABASE_MIGRATION_URL"])
    try:
        for each in made:
            each.connect()
        yield made
    finally:
        for each in made:
            each.close()


def written(project: Project, number: int, like: Sequence[Writer] = ()) -> list[Writer]:
    """Write one record to each system."""
    with writers(project, like) as made:
        for each in made:
            each.write(number)
    return made


def found(project: Project, like: Sequence[Writer]) -> dict[str, set[int]]:
    """What each system has of these writers."""
    with writers(project, like) as made:
        return {each.name: each.read() for each in made}


def containers(project: Project) -> str:
    """The ids of all containers of the instance, with the time at which each was started."""
    name = json.loads(project.run("status", "--json").out)["instance"]
    ids = ["docker", "ps", "-aq", "--no-trunc", "--filter", f"name=nexusdev-{name}-"]
    listed = subprocess.run(ids, capture_output=True, text=True, check=True).stdout.split()
    inspect = ["docker", "inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Paused}}", *listed]
    return subprocess.run(inspect, capture_output=True, text=True, check=True).stdout


def everywhere(records: set[int]) -> dict[str, set[int]]:
    """The same records in all four systems."""
    return dict.fromkeys(("postgresql", "redis", "minio", "vault"), records)


@pytest.mark.alone
def test_reset_brings_the_seeds_back_and_restarts_nothing(project: Project, seed_folder: Path) -> None:
    (seed_folder / "postgres").mkdir()
    (seed_folder / "postgres" / "010.sql").write_text(
        "CREATE TABLE fruit (name text PRIMARY KEY);\nINSERT INTO fruit VALUES ('apple');\n"
    )
    (seed_folder / "redis").mkdir()
    (seed_folder / "redis" / "a.redis").write_text("SET fruit apple\n")
    before = containers(project)
    for _ in range(2):  # from the seeds, then from the template
        made = written(project, 1)
        ran = project.run("reset", "--yes", "--json")
        assert ran.code == 0, ran.err
        with writers(project) as now:
            postgres = now[0]
            assert isinstance(postgres, PostgresWriter)
            assert postgres.connection.execute("SELECT name FROM fruit").fetchall() == [("apple",)]
            asked = "SELECT count(*) FROM information_schema.tables WHERE table_name = %s"
            table = getattr(made[0], "table", "")
            assert postgres.connection.execute(asked, [table]).fetchone() == (0,)
        assert found_but_sql(project, made) == {"redis": set(), "minio": set(), "vault": set()}
        assert project.run("redis", "get", "fruit").out.strip() == "apple"
    assert containers(project) == before
    assert project.run("up", "--json").data["changed"] is False


@pytest.mark.alone
@pytest.mark.long
def test_what_waits_waits_for_a_short_time(project: Project) -> None:
    """The best of three: a busy machine is slower, but not each time."""
    resets, holds = [], []
    for number in range(3):
        reset = project.run("reset", "--yes", "--json")
        saved = project.run("snapshot", "save", f"timed-{number}", "--json")
        project.run("snapshot", "rm", f"timed-{number}")
        resets.append(reset.data["seconds"])
        holds.append(saved.data["snapshot"]["held_seconds"])
    assert min(resets) < 3, resets
    assert min(holds) < 2, holds


def found_but_sql(project: Project, like: Sequence[Writer]) -> dict[str, set[int]]:
    """What each system but PostgreSQL has of these writers: their table is gone."""
    with writers(project) as made:
        fresh = made[1:]
        for new, old in zip(fresh, like[1:], strict=True):
            for name in ("key", "bucket", "prefix", "path"):
                if hasattr(old, name):
                    setattr(new, name, getattr(old, name))
        return {each.name: _read(each) for each in fresh}


def _read(writer: Writer) -> set[int]:
    """What it reads; a folder of Vault that does not exist is empty."""
    try:
        return writer.read()
    except hvac.exceptions.InvalidPath:
        return set()


def test_reset_is_refused_with_a_client_connected(project: Project) -> None:
    made = written(project, 1)
    with writers(project, made):
        ran = project.run("reset", "--yes", "--json")
        assert (ran.code, json.loads(ran.out)["error"]["code"]) == (14, "CLIENTS_CONNECTED")
        evidence = " ".join(json.loads(ran.out)["error"]["evidence"])
        assert "postgres: nexus_app in nexus_architect" in evidence
        assert "redis: nexus_app at redis-" in evidence
    assert found(project, made) == everywhere({1})


def test_a_reset_with_a_wrong_seed_file_leaves_the_former_database(project: Project, seed_folder: Path) -> None:
    made = written(project, 1)
    (seed_folder / "postgres").mkdir()
    (seed_folder / "postgres" / "010.sql").write_text("CREATE TABLE half (a int);\nSELECT 1/0;\n")
    ran = project.run("reset", "postgres", "--yes")
    assert (ran.code, "010.sql, line 2" in ran.err) == (15, True)
    with writers(project, made) as now:
        assert now[0].read() == {1}
    refused = project.run("seed")
    assert (refused.code, "the reset of postgres was interrupted" in refused.err) == (12, True)
    (seed_folder / "postgres" / "010.sql").unlink()
    assert project.run("reset", "postgres", "--yes").code == 0


@pytest.mark.alone
@pytest.mark.usefixtures("heal")
def test_a_snapshot_brings_all_four_systems_back(project: Project) -> None:
    made = written(project, 1)
    saved = project.run("snapshot", "save", "recovery", "--json")
    assert saved.code == 0, saved.err
    try:
        assert "true" not in containers(project)
        assert saved.data["snapshot"]["held_seconds"] > 0
        assert project.run("status", "--check").code == 0
        written(project, 2, like=made)
        assert found(project, made) == everywhere({1, 2})
        ran = project.run("snapshot", "restore", "recovery", "--yes")
        assert ran.code == 0, ran.err
        assert found(project, made) == everywhere({1})
        assert project.run("env").code == 0
        assert project.run("up", "--json").data["changed"] is False
    finally:
        project.run("snapshot", "rm", "recovery")


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.usefixtures("heal")
def test_a_killed_restore_is_finished_by_the_next_one(project: Project) -> None:
    made = written(project, 1)
    assert project.run("snapshot", "save", "recovery").code == 0
    try:
        for wait in (0.5, 2.0, 6.0):
            written(project, 2, like=made)
            _kill_after(project.start("snapshot", "restore", "recovery", "--yes"), "restoring", wait)
            for command in (("up",), ("start",), ("snapshot", "save", "mixture")):
                refused = project.run(*command)
                assert (refused.code, "the restore of snapshot recovery was interrupted" in refused.err) == (12, True)
            ran = project.run("snapshot", "restore")
            assert (ran.code, "finished the restore of snapshot recovery" in ran.out) == (0, True), ran.err
            assert found(project, made) == everywhere({1})
    finally:
        project.run("snapshot", "rm", "recovery")


@pytest.mark.alone
@pytest.mark.long
@pytest.mark.usefixtures("heal")
def test_a_killed_save_leaves_the_data_and_no_snapshot(project: Project) -> None:
    made = written(project, 1)
    for line, wait in (("", 1.0), ("writes were held", 0.5)):
        _kill_after(project.start("snapshot", "save", "killed"), line, wait)
        assert json.loads(project.run("snapshot", "list", "--json").out)["data"]["snapshots"] == []
        ran = project.run("snapshot", "save", "next")
        assert ran.code == 0, ran.err
        project.run("snapshot", "rm", "next")
        assert found(project, made) == everywhere({1})


@pytest.mark.alone
@pytest.mark.long
def test_a_killed_reset_is_finished_by_the_next_one(project: Project) -> None:
    for wait in (0.2, 0.6, 1.2):
        made = written(project, 1)
        _kill_once_begun(project, wait)
        if list(project.state.glob(_MARK)):
            refused = project.run("up")
            assert (refused.code, "was interrupted" in refused.err) == (12, True)
        ran = project.run("reset", "--yes", "--force")
        assert ran.code == 0, ran.err
        assert found_but_sql(project, made) == {"redis": set(), "minio": set(), "vault": set()}


@pytest.mark.alone
@pytest.mark.long
def test_a_snapshot_becomes_another_instance(
    project: Project, make_project: Callable[..., Project], tmp_path: Path
) -> None:
    made = written(project, 1)
    assert project.run("snapshot", "save", "copy").code == 0
    try:
        assert project.run("snapshot", "export", "copy", str(tmp_path / "copy.tar")).code == 0
        other = make_project("other")
        ran = other.run("snapshot", "restore", str(tmp_path / "copy.tar"), "--yes", timeout=600)
        assert ran.code == 0, ran.err
        assert found(other, made) == everywhere({1})
        assert variables_of(other)["NEXUSDEV_INSTANCE"] != variables_of(project)["NEXUSDEV_INSTANCE"]
        written(other, 2, like=made)
        assert found(project, made) == everywhere({1})
    finally:
        project.run("snapshot", "rm", "copy")


@pytest.mark.long
def test_a_destroyed_instance_comes_back(make_project: Callable[..., Project]) -> None:
    small = make_project("destroyed")
    assert small.run("up", "redis").code == 0
    assert small.run("redis", "set", "kept", "yes").code == 0
    ran = small.run("destroy", "--yes", "--snapshot")
    assert (ran.code, "nexusdev snapshot restore before-destroy" in ran.out) == (0, True), ran.err
    assert small.run("snapshot", "restore", "before-destroy").code == 0
    assert small.run("redis", "get", "kept").out.strip() == "yes"


def _kill_once_begun(project: Project, wait: float) -> None:
    """Kill a reset some seconds after it has begun to change data (with SIGKILL)."""
    process = project.start("reset", "--yes")
    until(lambda: bool(list(project.state.glob(_MARK))) or process.poll() is not None, seconds=60, what="it begins")
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _kill_after(process: subprocess.Popen[bytes], line: str, wait: float) -> None:
    """Kill a command some seconds after it printed a line (with SIGKILL)."""
    assert process.stderr is not None
    while line and line.encode() not in (text := process.stderr.readline()):
        assert text, "the command ended before"
    time.sleep(wait)
    process.send_signal(signal.SIGKILL)
    process.communicate()
