"""The Python API: what a program can do, without the command line and without an engine."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import nexusdev
from nexusdev.errors import InvalidConfig, NotFound, NotReadyInTime, PreflightFailed, UsageError
from nexusdev.events import PhaseBegan
from nexusdev.interfaces import Completed
from nexusdev.runtimes.docker.plan.snapshot import State
from tests.fakes import House
from tests.imports import imported_by

ROOT = Path(__file__).parents[2]
WITHOUT_COMMAND_LINE = """
import sys
from pathlib import Path
from tests.fakes import House

house = House(folder=Path(sys.argv[1]))
with house.open() as stack:
    stack.up()
    stack.env()
    stack.status()
    stack.stop()
    stack.start()
    stack.down()
    stack.destroy()
print([name for name in sys.modules if name.partition(".")[0] in ("typer", "rich") or name.startswith("nexusdev.cli")])
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return House(folder=tmp_path)


def test_a_program_can_start_query_and_stop_a_stack(house: House) -> None:
    with house.open() as stack:
        stack.up()
        assert stack.instance == "shop"
        assert stack.env().variables["REDIS_PLACE"] == "127.0.0.1"
        assert {each.state for each in house.engine.containers.values()} == {State.RUNNING}
        stack.down()
        assert house.engine.containers == {}


def test_the_api_covers_every_reading_command(house: House) -> None:
    house.engine.scripts["redis-0"] = lambda argv, stdin: Completed(exit_code=3, stdout=stdin or argv[0].encode())
    with house.open() as stack:
        stack.up()
        assert {each.service for each in stack.ports().ports} == {"redis-0", "redis-1", "gateway-rw"}
        assert stack.logs(["redis"]).services == ("redis-0", "redis-1")
        assert "prepare" in {span.name for span in stack.timings().spans}
        assert [each.name for each in stack.instances().instances] == ["shop"]
        assert {each.key: each.value for each in stack.config().settings}["instance"] == "shop"
        assert stack.urls().urls == {}
        checks = {check.name: check.verdict for check in stack.doctor().checks}
        assert checks["containers"] == "ok"
        ran = stack.exec("redis-0", ["cat"], stdin=io.BytesIO(b"data"))
        assert (ran.exit_code, ran.stdout, ran.instance) == (3, b"data", "shop")
        ran = stack.run(["sh", "-c", "echo $NEXUSDEV_INSTANCE; exit 4"], proof=False)
        assert (ran.exit_code, ran.stdout) == (4, b"shop\n")
        assert stack.adopt().adopted is False


def test_a_failed_doctor_check_is_part_of_the_result(house: House) -> None:
    class Away(type(house.provider)):  # type: ignore[misc]
        def checks(self, **_: object) -> object:
            raise PreflightFailed("no Docker engine answers", hint="sudo systemctl start docker")

    house.provider = Away()
    with house.open() as stack:
        found = stack.doctor()
    assert not found.healthy
    assert found.checks[0].verdict == "failed"
    assert isinstance(found.error, PreflightFailed)


def test_leaving_the_with_block_keeps_the_stack_running(house: House) -> None:
    with house.open() as stack:
        stack.up()
    assert {each.state for each in house.engine.containers.values()} == {State.RUNNING}


def test_a_closed_stack_error_says_how_to_reopen_it(house: House) -> None:
    with house.open() as stack:
        pass
    with pytest.raises(UsageError) as failed:
        stack.status()
    assert failed.value.hint == "nexusdev.open(project)   open it again"


def test_a_handle_sees_changes_between_calls(house: House) -> None:
    with house.open() as stack:
        stack.up()
        (house.folder / "compose" / "stack.yaml").write_text("name: [\n")
        with pytest.raises(InvalidConfig):
            stack.up()


def test_a_failure_is_a_nexus_error_of_its_kind(house: House) -> None:
    house.redis.sentences = ["redis-0 loads its data"] * 10_000
    with house.open(timeout=2) as stack, pytest.raises(NotReadyInTime) as failed:
        stack.up()
    assert isinstance(failed.value, nexusdev.NexusError)
    assert "redis-0 loads its data" in failed.value.why


def test_the_error_of_a_command_is_raised(house: House) -> None:
    with house.open() as stack, pytest.raises(NotFound):
        stack.env()


def test_a_listener_receives_the_progress(house: House) -> None:
    with house.open() as stack:
        stack.up()
    assert "prepare" in [event.phase for event in house.heard.of(PhaseBegan)]


def test_open_accepts_settings_and_refuses_invalid_ones(house: House) -> None:
    with nexusdev.open(house.project, instance="other", timeout="90s") as stack:
        assert stack.instance == "other"
    with pytest.raises(InvalidConfig, match="timeout"):
        nexusdev.open(house.project, timeout="soon")


def test_the_api_does_not_import_the_command_line(tmp_path: Path) -> None:
    environ = {**os.environ, "NEXUSDEV_STATE_DIR": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path)}
    argv = [sys.executable, "-c", WITHOUT_COMMAND_LINE, str(tmp_path)]
    ran = subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "[]\n", "")


def test_importing_the_package_is_lazy() -> None:
    found = imported_by("import nexusdev")
    assert {name for name in found if name.startswith("nexusdev")} == {"nexusdev"}
    assert "msgspec" not in found


def test_every_public_name_exists() -> None:
    assert all(getattr(nexusdev, name) for name in nexusdev.__all__)
    assert dir(nexusdev) == nexusdev.__all__
    with pytest.raises(AttributeError, match="nothing_such"):
        _ = nexusdev.nothing_such


def test_the_readme_program_runs_unchanged(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## From Python")[2]
    program = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)[0]
    monkeypatch.chdir(house.project)
    monkeypatch.setattr(nexusdev, "open", house.open, raising=False)
    seen: dict[str, Any] = {}
    exec(program, seen)
    assert seen["variables"]["NEXUSDEV_INSTANCE"] == "shop"
    assert seen["status"].ready
    assert house.engine.containers == {}


def test_the_wheel_has_py_typed() -> None:
    assert (ROOT / "nexusdev" / "py.typed").is_file()
