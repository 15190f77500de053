"""Command lines as they are typed, over an engine in memory: what is printed where, and the exit status."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from nexusdev.cli import commands
from nexusdev.cli.app import app
from nexusdev.cli.console import Console
from nexusdev.cli.lazy import lazy_group
from nexusdev.errors import NexusError
from nexusdev.events import ComponentReady
from nexusdev.runtimes.docker.plan.snapshot import State
from tests.fakes import House


def test_up_prints_the_result_on_stdout_and_progress_on_stderr(house: House) -> None:
    ran = house.type("up")
    assert ran.status == 0
    assert ran.out.splitlines()[0].endswith("redis and gateway")
    assert ran.out.startswith("ready after ")
    assert "start redis-0" in ran.err


def test_quiet_prints_only_the_result(house: House) -> None:
    ran = house.type("up", "-q")
    assert ran.err == ""
    assert "ready" in ran.out


def test_json_is_one_envelope_on_stdout(house: House) -> None:
    envelope = house.type("up", "--json").envelope
    assert envelope.keys() == {"schema_version", "command", "ok", "instance", "data", "warnings", "error"}
    assert (envelope["schema_version"], envelope["command"], envelope["ok"]) == (1, "up", True)
    assert (envelope["instance"], envelope["error"]) == ("shop", None)


def test_a_failure_in_json_has_code_message_why_hint_and_evidence(house: House) -> None:
    ran = house.type("status", "--json")
    assert ran.status == 3
    assert ran.envelope["ok"] is False
    assert ran.envelope["error"].keys() == {"code", "message", "why", "hint", "evidence"}


def test_a_degraded_stack_is_shown_before_the_error(house: House) -> None:
    house.type("up")
    house.engine.kill(house.container("redis-1"))
    ran = house.type("status", "--check")
    assert ran.status == 4
    assert "exit code 137" in ran.out
    assert "Error: redis is not ready" in ran.err
    envelope = house.type("status", "--check", "--json").envelope
    assert envelope["error"]["code"] == "DEGRADED"
    assert envelope["data"]["nodes"]


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        (["statsu"], "status"),
        (["up", "redsi"], "redis"),
        (["up", "--ofline"], "--offline"),
        (["up", "--profile", "ful"], "full"),
        (["--jsno", "up"], "--json"),
        (["up", "--jsno"], "--json"),
        (["images", "lst"], "list"),
        (["stop", "redis-O"], "redis-0"),
        (["wait", "redis", "--for", "redy"], "ready"),
        (["completion", "bsh"], "bash"),
    ],
)
def test_invalid_arguments_exit_with_2_and_suggest_the_nearest(house: House, typed: list[str], nearest: str) -> None:
    house.type("up")
    ran = house.type(*typed)
    assert ran.status == 2
    assert nearest in ran.err


def test_a_missing_argument_points_to_the_help(house: House) -> None:
    ran = house.type("wait")
    assert ran.status == 2
    assert "nexusdev wait --help" in ran.err


def test_an_invalid_setting_is_refused_with_its_origin(house: House) -> None:
    (house.project / "nexusdev.toml").write_text("timeuot = 3\n")
    ran = house.type("up")
    assert ran.status == 12
    assert "nexusdev.toml:1" in ran.err
    assert "timeout" in ran.err


def test_destroy_without_a_terminal_asks_for_yes(house: House) -> None:
    house.type("up")
    ran = house.type("destroy")
    assert ran.status == 13
    assert "nexusdev destroy --yes" in ran.err
    assert len(house.engine.containers) == 3
    assert house.type("destroy", "--yes").status == 0
    assert not house.engine.containers


def test_the_data_of_a_service_needed_by_others_is_not_destroyed(house: House) -> None:
    house.type("up")
    ran = house.type("destroy", "redis-0", "--yes")
    assert ran.status == 2
    assert "the data of redis-0 cannot be destroyed on its own" in ran.err
    assert len(house.engine.containers) == 3


def test_stop_start_and_down_work(house: House) -> None:
    house.type("up")
    assert house.type("stop").out.splitlines() == [
        "stopped 3 containers",
        "docker system prune --volumes can delete stopped containers and then their data",
    ]
    assert {cell.state for cell in house.engine.containers.values()} == {State.EXITED}
    assert "started 3 containers" in house.type("start").out
    assert "the data is kept" in house.type("down").out


def test_adopt_without_a_moved_instance_does_nothing(house: House) -> None:
    house.type("up")
    adopted = house.type("adopt")
    assert (adopted.status, adopted.out) == (0, "nothing to do: instance shop already belongs to this folder\n")


def test_log_lines_name_their_service(house: House) -> None:
    house.type("up")
    house.engine.say(house.container("redis-0"), "Ready to accept connections")
    line = house.type("logs", "redis").out.splitlines()[-1]
    assert line.startswith("redis-0  ")
    assert line.endswith("Ready to accept connections")
    assert house.type("logs", "--json").envelope["data"]["lines"]


def test_client_output_is_in_the_json_envelope(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.type("up")
    monkeypatch.setattr("sys.stdin", None)
    envelope = house.type("--json", "exec", "redis-0", "--", "true").envelope
    assert envelope["data"] == {"exit_code": 0, "stdout": "", "stderr": ""}


def test_a_dry_run_prints_steps_and_reasons(house: House) -> None:
    ran = house.type("up", "--dry-run")
    assert "create network  nexus" in ran.out
    assert not house.engine.containers


def test_a_bug_prints_a_short_message_and_writes_a_traceback(house: House) -> None:
    def explode(_: object) -> None:
        raise ZeroDivisionError("by zero")

    house.redis.on_look = explode
    ran = house.type("up")
    assert ran.status == 1
    assert "internal error: ZeroDivisionError: by zero" in ran.err
    assert "in the rollout of the component: redis" in ran.err
    assert "Traceback" not in ran.err
    (file,) = (house.folder / "state" / "logs").iterdir()
    report = file.read_text()
    assert "Traceback" in report
    assert report.splitlines()[0].endswith(": up")
    instance, phase, plan = report.splitlines()[1:4]
    assert instance == "instance: shop"
    assert phase in ("phase: start", "phase: wait")
    assert plan == "plan: 1 × create network, 2 × create volume, 3 × create, 3 × start"
    assert file.stat().st_mode & 0o777 == 0o600


def test_two_bugs_in_one_second_have_separate_reports(house: House) -> None:
    def explode(_: object) -> None:
        raise ZeroDivisionError("by zero")

    house.redis.on_look = explode
    for _ in range(2):
        house.type("up")
    assert len(list((house.folder / "state" / "logs").iterdir())) == 2


def test_an_internal_error_is_reported_with_traceback_and_thread(house: House) -> None:
    def explode(_: object) -> None:
        raise NexusError("step x belongs to another runtime")

    house.redis.on_look = explode
    ran = house.type("up")
    assert ran.status == 1
    assert "internal error: step x belongs to another runtime" in ran.err
    (file,) = (house.folder / "state" / "logs").iterdir()
    report = file.read_text()
    assert "in explode" in report
    assert "in the rollout of the component: redis" in report


def test_verbose_prints_the_traceback_of_every_error_with_its_cause(house: House) -> None:
    house.type("up")
    quiet = house.type("logs", "--since", "yesterday")
    assert "Traceback" not in quiet.err
    ran = house.type("-v", "logs", "--since", "yesterday")
    assert ran.status == quiet.status == 2
    assert "ValueError: Invalid isoformat string: 'yesterday'" in ran.err
    assert ran.err.index("Traceback") < ran.err.index("Error: invalid time for --since")


def test_a_bug_report_has_argument_names_without_values(house: House) -> None:
    def explode(_: object) -> None:
        raise ZeroDivisionError("by zero")

    house.redis.on_look = explode
    assert house.type("up", "--timeout=4321").status == 1
    (file,) = (house.folder / "state" / "logs").iterdir()
    first = file.read_text().splitlines()[0]
    assert first.endswith(": up --timeout")


def test_the_help_lists_the_commands(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.type("--help")
    listed = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")}
    assert {"up", "down", "destroy", "status", "wait", "env", "run", "logs", "doctor", "psql"} <= listed


def every_command() -> Iterator[Any]:
    """Click's command behind each leaf of the tree, with its path as ``values``."""
    assert commands.__all__, "importing it is what registers them"
    waiting: list[tuple[str, Any]] = [("nexusdev", typer.main.get_command(app))]
    while waiting:
        path, command = waiting.pop()
        below = getattr(command, "commands", None)
        if below is None:
            yield pytest.param(path, command, id=path)
        else:
            waiting += [(f"{path} {name}", each) for name, each in below.items()]


@pytest.mark.parametrize(("path", "command"), [*every_command()])
def test_every_command_has_an_example_and_parameter_help(
    house: House, capsys: pytest.CaptureFixture[str], path: str, command: Any
) -> None:
    house.type(*path.split()[1:], "--help")
    assert path in capsys.readouterr().out.split("Usage:", 1)[1].split("\n", 1)[0]
    assert [line for line in command.help.splitlines() if line.strip().startswith(f"{path} ") or line.strip() == path]
    assert [each.name for each in command.params if not each.help] == []


@pytest.mark.parametrize("name", [*lazy_group(app).commands])
def test_lazy_command_help_matches_the_built_command(name: str) -> None:
    group: Any = lazy_group(app)
    summary, built = group.commands.summary(name), group.commands[name]
    assert summary.get_short_help_str(200) == built.get_short_help_str(200)
    assert (summary.hidden, summary.rich_help_panel) == (built.hidden, built.rich_help_panel)


def test_only_requested_commands_are_built() -> None:
    group: Any = lazy_group(app)
    eager: Any = typer.main.get_command(app)
    assert list(group.commands) == list(eager.commands)
    assert group.commands["status"] is group.commands["status"]
    assert list(group.commands._built) == ["status"]
    assert group.commands.get("no-such-command") is None


def test_the_help_builds_no_command() -> None:
    group: Any = lazy_group(app)
    assert "nexusdev status" in group.get_help(group.make_context("nexusdev", [], resilient_parsing=True))
    assert group.list_commands(None) == list(group.commands)
    assert "status" in group.commands
    assert group.commands._built == {}


def test_help_groups_commands_by_panel(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.type("--help")
    text = capsys.readouterr().out
    places = [
        text.index(each)
        for each in ("Run the stack:", "Use the stack:", "Inspect the stack:", "Configure and maintain:")
    ]
    assert places == sorted(places)


@pytest.mark.parametrize("words", [("--help",), ("gc", "--help"), ("images", "--help")])
def test_the_help_fits_a_narrow_terminal(
    house: House, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    """Its sentences do; a command in an example stays on its line, so that it can be copied."""
    monkeypatch.setenv("COLUMNS", "40")
    house.type(*words)
    sentences = [line for line in capsys.readouterr().out.splitlines() if "nexusdev " not in line]
    assert sentences
    assert [line for line in sentences if len(line) > 40] == []


def test_running_without_a_command_prints_the_help(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert house.type().status == 2
    assert "Usage: nexusdev" in capsys.readouterr().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_prints_a_script_for_each_shell(house: House, shell: str) -> None:
    assert "nexusdev" in house.type("completion", shell).out


def test_version_is_text_or_json(house: House) -> None:
    (house.folder / "compose" / "images.lock.yaml").write_text(
        json.dumps(
            {
                "schema": 1,
                "images": {
                    "redis": {"version": "8.0", "sources": [{"registry": "a.b/c:1", "digest": None, "why": "x"}]}
                },
            }
        )
    )
    data = house.type("version", "--json").envelope["data"]
    assert data["engine"] == "27.0.1 (API 1.46)"
    assert data["stack"] == {"redis": "8.0"}


def test_ctrl_c_ends_following_without_an_error(house: House) -> None:
    house.type("up")

    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    house.clock.sleep = interrupt  # type: ignore[method-assign]
    ran = house.type("status", "--watch")
    assert (ran.status, ran.err) == (130, "")
    assert "redis-0" in ran.out


def test_a_group_without_a_command_names_its_commands(house: House) -> None:
    ran = house.type("images")
    assert ran.status == 2
    assert "Error: nexusdev images needs a command" in ran.err
    assert "nexusdev images list" in ran.err


def test_an_error_is_printed_last(house: House) -> None:
    out, err = io.StringIO(), io.StringIO()
    console = Console(out=out, err=err, color=False)
    console.fail(NexusError("redis is not ready"), command="up")
    console.tell(ComponentReady(component="vault", elapsed=1.0))
    assert "vault" not in err.getvalue()
