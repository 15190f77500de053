"""The commands on a running stack: clients inside containers, logs, secrets, run, JSON."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Mapping

import psycopg
import pytest

from tests.integration import application as app
from tests.integration import engine
from tests.integration.conftest import Project

pytestmark = pytest.mark.integration


def test_psql_takes_arguments_and_standard_input(project: Project) -> None:
    by_argument = project.run("psql", "--", "-Atc", "SELECT current_user || '@' || current_database()")
    assert by_argument.out.strip() == "nexus_app@nexus_architect"
    by_input = project.run("psql", "--", "-At", stdin=b"SELECT 6 * 7;\n")
    assert by_input.out.strip() == "42"


def test_a_client_without_input_does_not_consume_stdin(project: Project) -> None:
    loop = (
        """printf 'a\\nb\\n' | while read x; do "$@" psql -Atc "select '$x'"; "$@" exec -T redis-0 -- echo $x; done"""
    )
    ran = subprocess.run(
        ["bash", "-c", loop, "-", *project.argv()],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert ran.stdout.split() == [b"a", b"a", b"b", b"b"], ran.stderr


@pytest.mark.parametrize(
    ("words", "said"), [(("psql", "-Atc", "select 1"), "1\n"), (("exec", "redis-0", "--", "echo", "x"), "x\n")]
)
def test_endless_input_does_not_block_a_command(project: Project, words: tuple[str, ...], said: str) -> None:
    reading, writing = os.pipe()
    try:
        for json_, get in (((), str), (("--json",), lambda out: json.loads(out)["data"]["stdout"])):
            ran = subprocess.run(
                project.argv(*json_, *words),
                cwd=project.folder,
                env=project.environment,
                stdin=reading,
                capture_output=True,
                text=True,
                check=True,
                timeout=60,
            )
            assert get(ran.stdout) == said
    finally:
        os.close(reading)
        os.close(writing)


def test_copy_from_stdin_inserts_its_rows(project: Project) -> None:
    command = "create temporary table t (a text)", "copy t from stdin", "select count(*) from t"
    ran = project.run("psql", "-qAt", *(word for each in command for word in ("-c", each)), stdin=b"1\n2\n")
    assert ran.out.strip() == "2", ran.err


def test_redis_cli_connects_to_the_master(project: Project) -> None:
    assert project.run("redis", "--", "SET", "app:cli", "yes").out.strip() == "OK"
    assert project.run("redis", "--", "GET", "app:cli").out.strip() == "yes"


def test_the_s3_client_lists_buckets(project: Project) -> None:
    ran = project.run("s3", "--", "ls")
    assert ran.code == 0, ran.err
    assert "nexus-app-data" in ran.out


def test_the_vault_client_has_the_rights_of_the_application(project: Project) -> None:
    ran = project.run("vault", "--", "kv", "get", "-format=json", "secret/nexus/postgres")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["data"]["data"]


def test_exec_passes_the_exit_code_and_the_streams_through(project: Project) -> None:
    ran = project.run("exec", "redis-0", "--", "sh", "-c", "cat; echo oops >&2; exit 7", stdin=b"through\n")
    assert (ran.code, ran.out.strip(), "oops" in ran.err) == (7, "through", True)


def test_exec_in_an_unknown_service_names_the_nearest(project: Project) -> None:
    ran = project.run("exec", "redis-O", "--", "true")
    assert ran.code == 2, ran.err
    assert "redis-0" in ran.err


def test_run_passes_the_proven_variables_and_the_exit_code(project: Project) -> None:
    ran = project.run("run", "--", "sh", "-c", 'test -n "$DATABASE_URL" && echo "$PGDATABASE"; exit 3')
    assert (ran.code, ran.out.strip()) == (3, "nexus_architect")


def test_logs_are_merged_by_time_and_limited_per_service(project: Project) -> None:
    ran = project.run("logs", "--json", "--tail", "5", "vault-0", "redis-0")
    assert ran.code == 0, ran.err
    lines = ran.data["lines"]
    assert Counter(line["service"] for line in lines) == {"vault-0": 5, "redis-0": 5}
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)


def test_logs_name_the_service_and_the_time_of_each_line(project: Project) -> None:
    ran = project.run("logs", "--tail", "5", "vault-0", "redis-0")
    assert ran.code == 0, ran.err
    heads = [re.match(r"(vault-0|redis-0)\s+\d\d:\d\d:\d\d  ", line) for line in ran.out.splitlines()]
    assert len(heads) == 10
    assert all(heads), ran.out


def test_no_secret_is_in_any_log_environment_or_argument(project: Project) -> None:
    listed = project.run("secrets", "list", "--json").data["secrets"]
    values = [
        project.run("secrets", "show", row["name"]).out.strip() for row in listed if row.get("kind") == "password"
    ]
    assert len(values) > 8
    label = {"label": f"dev.nexus.instance={engine.instance_of(project)}"}
    for container in engine.client().containers.list(filters=label):
        seen = (
            json.dumps(container.attrs)
            + container.logs(tail=2000).decode(errors="replace")
            + str(container.top()["Processes"])
        )
        for value in values:
            assert value not in seen, f"a secret is to be seen in {container.name}"


def test_no_process_of_the_stack_runs_as_root(project: Project) -> None:
    label = {"label": f"dev.nexus.instance={engine.instance_of(project)}"}
    containers = engine.client().containers.list(filters=label)
    assert len(containers) > 30
    for container in containers:
        owners = {row[0] for row in container.top(ps_args="-eo user,pid,args")["Processes"]}
        assert "root" not in owners, container.name


def test_every_container_of_a_healthy_stack_is_healthy(project: Project) -> None:
    """Healthchecks are for display and nothing of ours waits for them; so only here would anybody notice one that always fails."""
    label = {"label": f"dev.nexus.instance={engine.instance_of(project)}"}
    checks = {
        container: check["Test"][1:]
        for container in engine.client().containers.list(filters=label)
        if (check := container.attrs["Config"].get("Healthcheck"))
    }
    assert checks
    for container, check in checks.items():
        ran = container.exec_run(check)
        assert ran.exit_code == 0, f"{container.name}: {ran.output.decode()}"


@pytest.mark.usefixtures("heal")
def test_rotation_changes_passwords_and_leaves_open_connections_alone(
    project: Project, variables: Mapping[str, str]
) -> None:
    before = engine.started_at(engine.instance_of(project))
    with app.postgres(variables, variables["DATABASE_URL"], autocommit=True) as open_connection:
        ran = project.run("secrets", "rotate", "--yes")
        assert ran.code == 0, ran.err
        assert open_connection.execute("SELECT 1").fetchone() == (1,)
    fresh = json.loads(project.run("env", "--format", "json").out)
    changed = {name for name in fresh if fresh[name] != variables[name]}
    assert {"PGPASSWORD", "REDIS_PASSWORD", "MINIO_SECRET_KEY"} <= changed
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        app.postgres(variables, variables["DATABASE_URL"])
    app.postgres(fresh, fresh["DATABASE_URL"]).close()
    kept = json.loads(project.run("vault", "--", "kv", "get", "-format=json", "secret/nexus/postgres").out)
    assert fresh["PGPASSWORD"] in json.dumps(kept)
    assert engine.started_at(engine.instance_of(project)) == before


def test_a_closed_stdout_ends_quietly(project: Project) -> None:
    ran = subprocess.run(
        ["bash", "-c", 'set -o pipefail; "$@" | head -n 1', "-", *project.argv("logs", "--tail", "500")],
        cwd=project.folder,
        env=project.environment,
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in ran.stderr
    assert b"BrokenPipe" not in ran.stderr


def test_json_is_one_envelope_for_success_and_for_failure(project: Project) -> None:
    good = json.loads(project.run("status", "--json").out)
    assert (good["schema_version"], good["command"], good["ok"], good["error"]) == (1, "status", True, None)
    bad = project.run("wait", "redis", "--for", "down", "--timeout", "1", "--json")
    envelope = json.loads(bad.out)
    assert (bad.code, envelope["ok"]) == (11, False)
    assert {"code", "message", "why", "hint", "evidence"} <= envelope["error"].keys()


def test_timings_name_the_critical_path(project: Project) -> None:
    ran = project.run("timings", "--json")
    assert ran.code == 0, ran.err
    spans = {span["name"]: span for span in ran.data["spans"]}
    assert {"prepare", "images"} <= spans.keys()
    critical = {name: span for name, span in spans.items() if span["critical"]}
    last = max(spans.values(), key=lambda span: span["ended"])
    assert last["critical"]
    assert ran.data["total"] == last["ended"]
    # each waited for another one, but the first; they may overlap, so their times are in no order
    [first] = [name for name, span in critical.items() if not critical.keys() & set(span["after"])]
    assert first == "prepare"
