"""status, wait, logs, doctor, timings: they look and change nothing."""

from __future__ import annotations

import subprocess
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Never

import pytest
from msgspec.structs import replace

from nexusdev.deploy.command_lock import hold_lock
from nexusdev.env import stored
from nexusdev.errors import (
    CrashedDuringStart,
    Degraded,
    InvalidConfig,
    NotFound,
    NotReadyInTime,
    PreflightFailed,
    UsageError,
)
from nexusdev.events import ComponentWaits
from nexusdev.operations.doctor import doctor
from nexusdev.operations.logs import logs, moment
from nexusdev.operations.status import status
from nexusdev.operations.timings import timings
from nexusdev.operations.up import up
from nexusdev.operations.wait import wait
from nexusdev.runtimes.docker import checks
from nexusdev.runtimes.docker.checks import GIB, require_room
from nexusdev.runtimes.docker.plan.snapshot import State
from nexusdev.runtimes.memory.provider import FACTS, MemoryProvider
from nexusdev.util.humanize import duration
from tests.fakes import House, shown


@pytest.fixture
def running(house: House) -> House:
    up(house.context())
    return house


def test_status_has_a_row_per_node_with_its_port(running: House) -> None:
    data = shown(status(running.context())).data
    rows = {row["service"]: row for row in data["nodes"]}
    assert rows["redis-0"]["state"] == "running"
    assert rows["redis-0"]["port"] % 100 == 70
    assert data["ready"] is True


def test_a_killed_node_is_degraded_with_its_exit_code(running: House) -> None:
    running.engine.kill(running.container("redis-1"))
    outcome = status(running.context(), check=True)
    row = next(row for row in shown(outcome).data["nodes"] if row["service"] == "redis-1")
    assert (row["state"], row["detail"], row["ok"]) == ("exited", "exit code 137", False)
    assert isinstance(outcome.error, Degraded)
    assert outcome.error.evidence == ("redis: redis-1 does not answer",)


def test_status_without_check_is_no_failure(running: House) -> None:
    running.engine.kill(running.container("redis-1"))
    assert status(running.context()).error is None


def test_status_after_down_is_not_an_error(running: House) -> None:
    for name in [cell.name for cell in running.engine.containers.values()]:
        running.engine.remove(name)
    outcome = status(running.context(), check=True)
    assert {row["state"] for row in shown(outcome).data["nodes"]} == {"absent"}
    assert isinstance(outcome.error, Degraded)


def test_status_says_what_stands_in_the_way(running: House) -> None:
    for cell in running.engine.containers.values():
        running.engine.kill(cell.name)
    running.engine.networks.clear()
    assert "the network of the containers is missing: nexusdev up" in status(running.context()).warnings


def test_status_covers_only_started_components(house: House) -> None:
    up(house.context(), ["gateway"])
    assert [each["name"] for each in shown(status(house.context())).data["components"]] == ["gateway"]


def test_the_cached_stack_is_invalidated_by_a_changed_file(running: House) -> None:
    assert (running.folder / "state" / "instances" / running.name / "stack.kept").is_file()
    assert status(running.context()).error is None
    file = running.folder / "compose" / "stack.yaml"
    file.write_text(f"{file.read_text()}nonsense: true\n")
    with pytest.raises(InvalidConfig, match="nonsense"):
        status(running.context())


def test_status_without_an_instance_raises_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        status(house.context())


def test_wait_ends_when_the_condition_holds(running: House) -> None:
    running.redis.sentences = ["no master"] * 5
    assert shown(wait(running.context(), "redis", "ready")).data["condition"] == "ready"


def test_wait_for_writable_does_not_require_ready(running: House) -> None:
    running.redis.sentences, running.redis.seedable = ["1 of 2 replicas"] * 100_000, True
    assert shown(wait(running.context(), "redis", "writable")).data["condition"] == "writable"
    with pytest.raises(NotReadyInTime) as error:
        wait(running.context(timeout=1.0), "redis", "ready")
    assert error.value.why == "1 of 2 replicas"


def test_wait_exits_with_11_and_names_what_is_missing_at_the_timeout(running: House) -> None:
    with pytest.raises(NotReadyInTime) as error:
        wait(running.context(timeout=1.0), "redis", "down")
    assert error.value.why == "redis-0, redis-1 still run"


def test_wait_exits_with_10_after_a_crash(running: House) -> None:
    def crash(_: object) -> None:
        running.redis.on_look = lambda _: time.sleep(0.02)
        running.engine.kill(running.container("redis-1"))

    running.redis.sentences, running.redis.on_look = ["x"] * 100_000, crash
    with pytest.raises(CrashedDuringStart):
        wait(running.context(timeout=1e6), "redis", "ready")


def test_wait_continues_during_a_restart_by_another_command(running: House) -> None:
    def restarted(_: object) -> None:
        running.redis.on_look = lambda _: time.sleep(0.02)
        for service in ("redis-0", "redis-1"):
            running.engine.stop(running.container(service))
            existing = running.engine.named(running.container(service))
            assert existing is not None
            running.engine.begin(existing)

    running.redis.sentences, running.redis.on_look = ["no master yet"] * 30, restarted
    assert shown(wait(running.context(timeout=1e6), "redis", "ready")).data["condition"] == "ready"


def test_wait_continues_while_another_command_recreates_the_container(running: House) -> None:
    def removed(_: object) -> None:
        running.redis.on_look = lambda _: time.sleep(0.02)
        running.engine.remove(running.container("redis-1"))

    running.redis.sentences, running.redis.on_look = ["no replica"] * 30, removed
    assert shown(wait(running.context(timeout=1e6), "redis", "ready")).data["condition"] == "ready"
    assert running.redis.sentences == []


def test_wait_accepts_an_instance_that_is_being_created(running: House) -> None:
    made, hidden = running.folder / "state" / "instances" / "shop", running.folder / "hidden"
    made.rename(hidden)
    cells, volumes = dict(running.engine.containers), dict(running.engine.volumes)
    running.engine.containers.clear()
    running.engine.volumes.clear()
    began = threading.Event()

    def make() -> None:
        with hold_lock(running.context(), "nexusdev up"):
            began.set()
            time.sleep(0.2)
            hidden.rename(made)
            running.engine.containers.update(cells)
            running.engine.volumes.update(volumes)

    thread = threading.Thread(target=make)
    thread.start()
    assert began.wait(5)
    assert shown(wait(running.context(timeout=1e6), "redis", "ready")).data["target"] == "redis"
    thread.join()


def test_wait_for_a_missing_instance_ends_immediately(house: House) -> None:
    before = house.clock.now()
    with pytest.raises(NotFound):
        wait(house.context(), "redis", "ready")
    assert house.clock.now() == before


def test_only_wait_tests_writes(running: House) -> None:
    assert set(running.redis.write_tests) == {True}
    running.redis.write_tests.clear()
    status(running.context())
    assert running.redis.write_tests == [False]
    running.redis.write_tests.clear()
    wait(running.context(), "redis")
    assert running.redis.write_tests == [True]


def test_wait_for_a_stopped_service_to_be_down(running: House) -> None:
    with pytest.raises(NotReadyInTime):
        wait(running.context(timeout=1.0), "redis-1", "down")
    running.engine.end(running.container("redis-1"))
    assert shown(wait(running.context(), "redis-1", "down")).data["condition"] == "down"


def test_an_unknown_condition_suggests_the_nearest(running: House) -> None:
    with pytest.raises(UsageError, match="raedy") as error:
        wait(running.context(), "redis", "raedy")
    assert "ready" in error.value.why


def test_a_condition_of_a_component_applies_only_to_it(running: House) -> None:
    sealed = ["redis-1 sealed"]
    conditions = {"unsealed": lambda rows: sealed.pop() if sealed else "" if len(rows) == 2 else "rows are missing"}
    running.redis.title, running.redis.conditions = "Redis", conditions
    wait(running.context(), "redis", "unsealed")
    assert [event.missing for event in running.heard.of(ComponentWaits)][-1:] == ["redis-1 sealed"]
    with pytest.raises(UsageError, match="only Redis can be unsealed, not gateway"):
        wait(running.context(), "gateway", "unsealed")


def test_logs_are_merged_by_time_and_limited_per_service(running: House) -> None:
    for number in range(3):
        running.engine.say(running.container("redis-0"), f"zero {number}")
        running.engine.say(running.container("redis-1"), f"one {number}")
    services, lines = logs(running.context(), ["redis"], tail=2)
    assert list(services) == ["redis-0", "redis-1"]
    assert [line.text for line in lines] == ["zero 1", "one 1", "zero 2", "one 2"]


def test_logs_without_an_instance_raise_not_found(house: House) -> None:
    with pytest.raises(NotFound):
        logs(house.context())


@pytest.mark.parametrize(("since", "seconds"), [("90s", 910.0), ("10m", 400.0), ("0.1h", 640.0), ("5m30s", 670.0)])
def test_since_accepts_a_duration(since: str, seconds: float) -> None:
    assert moment(since, now=lambda: 1000.0) == seconds


def test_since_accepts_a_time_and_refuses_other_text() -> None:
    assert moment("1970-01-01T00:01:40+00:00", now=lambda: 0.0) == 100.0
    assert moment("20260131", now=lambda: 0.0) == datetime(2026, 1, 31).timestamp()
    for none in ("yesterday", "90", "1h30"):
        with pytest.raises(UsageError, match="--since"):
            moment(none, now=lambda: 0.0)


def test_timings_name_what_the_last_up_waited_for(running: House) -> None:
    spans = {span["name"]: span for span in shown(timings(running.context())).data["spans"]}
    assert {"prepare", "images", "plan", "start redis-0", "seed redis", "prove redis", "write"} <= spans.keys()
    assert spans["seed redis"]["after"]
    assert spans[max(spans, key=lambda name: spans[name]["ended"])]["critical"]


def test_timings_of_a_step_name_its_predecessors_only(running: House) -> None:
    spans = {span["name"]: span for span in shown(timings(running.context())).data["spans"]}
    steps = [span for name, span in spans.items() if name.startswith(("create", "start "))]
    assert len(steps) >= 4
    for span in steps:
        assert set(span["after"]) <= spans.keys() - {span["name"]}
        for each in set(span["after"]) - {"images", "plan"}:
            assert spans[each]["ended"] <= span["began"], f"{each} before {span['name']}"
    assert "create redis-0" in spans["start redis-0"]["after"]


def test_a_wait_for_a_running_component_follows_the_plan(running: House) -> None:
    running.engine.kill(running.container("gateway-rw"))
    running.redis.sentences = ["2 masters"] * 5
    up(running.context())
    spans = {span["name"]: span for span in shown(timings(running.context())).data["spans"]}
    assert "start redis-0" not in spans
    assert "plan" in spans["redis: 2 masters"]["after"]


def test_timings_before_the_first_up_raise_not_found(running: House) -> None:
    (running.folder / "state" / "instances" / "shop" / "timings.json").unlink()
    with pytest.raises(NotFound):
        timings(running.context())


def verdicts(house: House) -> dict[str, str]:
    return {check["name"]: check["verdict"] for check in shown(doctor(house.context())).data["checks"]}


def test_a_healthy_machine_has_no_failed_check(running: House) -> None:
    assert "failed" not in verdicts(running).values()


def test_doctor_without_an_engine_has_a_hint(house: House) -> None:
    class Away(MemoryProvider):
        def checks(self, **_: object) -> Never:
            raise PreflightFailed("no Docker engine answers", why="no socket", hint="sudo systemctl start docker")

    house.provider = Away()
    outcome = doctor(house.context())
    assert shown(outcome).data["checks"][0]["fix"] == "sudo systemctl start docker"
    assert outcome.error is not None
    assert outcome.error.exit_status == 5


def test_a_paused_container_is_a_warning(running: House) -> None:
    running.engine.pause(running.container("redis-0"))
    assert verdicts(running)["containers"] == "warning"


def test_a_missing_image_is_a_warning(house: House) -> None:
    house.lose_image("redis")
    assert verdicts(house)["images"] == "warning"


def test_doctor_fixes_an_env_file_readable_by_others(running: House) -> None:
    file = running.project / ".env.nexusdev"
    file.chmod(0o644)
    assert verdicts(running)["env file"] == "warning"
    repaired = shown(doctor(running.context(), fix=True)).data["checks"]
    assert {
        "name": "env file",
        "verdict": "fixed",
        "evidence": f"{file} is now readable by its owner only",
        "fix": "",
    } in repaired
    assert file.stat().st_mode & 0o777 == 0o600


def test_doctor_fixes_an_env_file_that_git_would_add(running: House) -> None:
    subprocess.run(["git", "init", "-q", str(running.project)], check=True)
    [check] = [each for each in shown(doctor(running.context())).data["checks"] if each["name"] == "env file"]
    assert (check["verdict"], check["fix"][:6]) == ("warning", "printf")
    assert check["evidence"].endswith("contains passwords: no rule matches it")
    doctor(running.context(), fix=True)
    assert verdicts(running)["env file"] == "ok"


def test_a_fix_overruled_by_git_is_reported_as_failed(running: House) -> None:
    subprocess.run(["git", "init", "-q", str(running.project)], check=True)
    (running.project / ".gitignore").write_text("!.env.nexusdev\n")
    [check] = [each for each in shown(doctor(running.context(), fix=True)).data["checks"] if each["name"] == "env file"]
    assert check["verdict"] == "warning"
    assert ".gitignore:1: !.env.nexusdev overrides it" in check["evidence"]


def test_a_registry_only_image_must_be_pulled(house: House) -> None:
    for kind in ("build", "registry"):
        house.lock("redis", "haproxy", kind=kind)
        house.lose_image("redis")
        [check] = [each for each in shown(doctor(house.context())).data["checks"] if each["name"] == "images"]
        assert check["fix"] == f"nexusdev images {'build' if kind == 'build' else 'pull'}"


def test_a_differing_shell_variable_is_named(running: House) -> None:
    kept = stored.read(running.folder / "state" / "instances" / running.name).views["host"]
    name, value = next(iter(kept.items()))
    for said, verdict in ((value, "ok"), ("another", "warning")):
        context = replace(running.context(), environ={name: said})
        [check] = [each for each in shown(doctor(context)).data["checks"] if each["name"] == "shell"]
        assert check["verdict"] == verdict
    assert check["evidence"] == f"{name} has a different value in the shell than in the env file"


def test_an_interfering_shell_variable_is_named(running: House) -> None:
    folder = running.context().instance().folder
    kept = stored.read(folder)
    values = {**kept.views["host"], "PGHOST": "127.0.0.1"}
    changed = stored.Stored(
        instance=kept.instance, nonce=kept.nonce, views={"host": values}, components=kept.components
    )
    stored.write(folder, changed)
    context = replace(running.context(), environ={"PGSERVICE": "work", "PGOPTIONS": "-c x=y", "AWS_PROFILE": "work"})
    [check] = [each for each in shown(doctor(context)).data["checks"] if each["name"] == "shell"]
    assert check["evidence"] == "PGSERVICE and PGOPTIONS change the meaning of variables in the env file"
    assert check["fix"] == "nexusdev run -- COMMAND; unset PGSERVICE PGOPTIONS"


def test_a_machine_without_trusted_authorities_is_named(running: House) -> None:
    store = running.folder / "machine" / "etc" / "ssl" / "certs" / "ca-certificates.crt"
    for exists, verdict in ((True, "ok"), (False, "warning")):
        if not exists:
            store.unlink()
            up(running.context())
        [check] = [each for each in shown(doctor(running.context())).data["checks"] if each["name"] == "trust"]
        assert check["verdict"] == verdict
    assert "no file of trusted authorities" in check["evidence"]


def test_a_proxy_without_an_exception_is_named_without_its_password(house: House) -> None:
    environ = {"https_proxy": "http://user:secret@proxy:3128", "NO_PROXY": "localhost"}
    [check] = [
        each
        for each in shown(doctor(replace(house.context(), environ=environ))).data["checks"]
        if each["name"] == "proxy"
    ]
    assert check["verdict"] == "warning"
    assert check["evidence"].startswith("https_proxy is set without excluding 127.0.0.1")
    assert "export NO_PROXY=localhost,127.0.0.1,::1 no_proxy=localhost,127.0.0.1,::1;" in check["fix"]
    assert "secret" not in str(check)


def test_a_proxy_with_an_exception_passes(house: House) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "127.0.0.1"}
    [check] = [
        each
        for each in shown(doctor(replace(house.context(), environ=environ))).data["checks"]
        if each["name"] == "proxy"
    ]
    assert check["verdict"] == "ok"


def test_a_late_clock_is_reported() -> None:
    facts = replace(FACTS, time="1970-01-01T00:00:00.123456789Z")
    assert checks.clock(facts, now=10.0).verdict == "ok"
    assert (
        checks.clock(facts, now=1000.0).evidence
        == "the engine's clock says 1970-01-01 00:00:00 UTC, this machine's 1970-01-01 00:16:40 UTC, 16 min 40 s apart"
    )


def test_little_memory_is_a_warning() -> None:
    assert checks.memory(replace(FACTS, memory_bytes=2 * GIB)).verdict == "warning"


def test_a_nearly_full_disk_fails_with_commands_that_free_space() -> None:
    with pytest.raises(PreflightFailed) as error:
        require_room(Path("/var/lib/docker"), free=GIB)
    assert error.value.code == "DISK_FULL"
    assert error.value.message == "not enough disk space: 1.0 GiB free, 2 GiB needed"
    assert "nexusdev gc" in error.value.hint


def test_a_container_state_has_the_name_of_the_engine(running: House) -> None:
    running.engine.pause(running.container("redis-1"))
    rows = {row["service"]: row["state"] for row in shown(status(running.context())).data["nodes"]}
    assert rows["redis-1"] == State.PAUSED.value


@pytest.mark.parametrize("skew", [-7200.0, 1200.0])
def test_a_wrong_clock_is_named_by_wait_and_status(running: House, skew: float) -> None:
    running.engine.clock_skew = skew
    assert status(running.context()).warnings == ()
    running.redis.sentences = ["redis-0 does not answer: invalid certificate"] * 100_000
    with pytest.raises(PreflightFailed) as caught:
        wait(running.context(timeout=1.0), "redis", "ready")
    assert caught.value.code == "CLOCK_SKEW"
    (said,) = status(running.context()).warnings
    assert f"UTC, {duration(abs(skew))} apart" in said
