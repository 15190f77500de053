"""Throw-away stacks without an engine: whose they are, who removes them and when, and what the plugin's options refuse."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nexusdev.errors import NotFound, UsageError
from nexusdev.stack.single import SINGLE
from nexusdev.testing import ephemeral
from nexusdev.testing.ephemeral import EphemeralStack, is_free, locked, new_run, read, sweep

pytest_plugins = ["pytester"]


def stack_at(root: Path, run: str = "1-abc", tier: str = "lite") -> EphemeralStack:
    (root / run).mkdir(parents=True)
    (root / run / "stack.json").write_text(f'{{"project": "{root}", "tier": "{tier}"}}')
    return EphemeralStack(run=run, project=root, tier=tier, root=root)


@pytest.fixture
def taken_down(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs whose servers were removed, instead of asking an engine."""
    found: list[str] = []
    monkeypatch.setattr(ephemeral, "take_down", lambda stack: found.append(stack.run))
    return found


def test_it_has_no_state_in_the_project_and_its_data_in_memory(tmp_path: Path) -> None:
    stack = EphemeralStack(run="7-abc", project=tmp_path, root=tmp_path / "runs")
    context = stack.context()
    assert (context.identity.name, context.identity.project) == ("ephemeral-abc", stack.home)
    assert context.root.is_relative_to(stack.home)
    assert context.settings.env_file.is_relative_to(stack.home)
    assert (context.in_memory, context.settings.profile, context.settings.include) == (True, "lite", ())
    assert not any(tmp_path.iterdir())


def test_the_project_s_own_profile_does_not_change_the_tier(tmp_path: Path) -> None:
    (tmp_path / "nexusdev.toml").write_text('profile = "full"\n')
    stack = EphemeralStack(run="7-abc", project=tmp_path, tier="ha", root=tmp_path / "runs")
    assert stack.context().settings.profile == "core"


def test_an_unknown_tier_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown tier large"):
        EphemeralStack(run=new_run(), project=tmp_path, tier="large", root=tmp_path / "runs").start()
    assert not (tmp_path / "runs").exists()


def test_a_stack_is_read_back_and_a_broken_one_is_an_error(tmp_path: Path) -> None:
    made = stack_at(tmp_path, tier="ha")
    assert read(made.home) == made
    (made.home / "stack.json").write_text("{")
    with pytest.raises(NotFound):
        read(made.home)


def test_removing_takes_the_servers_down_and_then_the_folder(tmp_path: Path, taken_down: list[str]) -> None:
    made = stack_at(tmp_path)
    made.remove()
    made.remove()
    assert taken_down == [made.run]
    assert not made.home.exists()


def test_stacks_of_living_processes_and_of_living_reapers_stay(tmp_path: Path, taken_down: list[str]) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    abandoned = stack_at(tmp_path, f"{gone.pid}-a")
    watched = stack_at(tmp_path, f"{gone.pid}-b")
    stack_at(tmp_path, f"{os.getpid()}-c")
    with locked(watched.home / "reaper.lock"):
        sweep(tmp_path)
    assert taken_down == [abandoned.run]
    assert not abandoned.home.exists()


def test_a_lock_is_free_when_nobody_holds_it(tmp_path: Path) -> None:
    file = tmp_path / "some.lock"
    assert is_free(file)
    with file.open("w") as opened:
        fcntl.flock(opened, fcntl.LOCK_SH)
        assert not is_free(file)
    assert is_free(file)


def test_the_reaper_acts_when_the_process_is_killed(tmp_path: Path) -> None:
    """With its own stub of the removal: the real one needs an engine."""
    victim = subprocess.Popen(["sleep", "60"])
    made = stack_at(tmp_path, f"{victim.pid}-abc")
    code = (
        "import sys; from pathlib import Path; from nexusdev.testing import ephemeral, reaper\n"
        "ephemeral.take_down = lambda stack: (stack.root / 'removed').write_text(stack.run)\n"
        "reaper.main(sys.argv[1])"
    )
    watching = subprocess.Popen([sys.executable, "-c", code, str(made.home)], stdout=subprocess.PIPE, text=True)
    assert watching.stdout
    assert watching.stdout.readline() == "watching\n"
    watching.send_signal(signal.SIGINT)  # Ctrl-C in the terminal of the tests does not end it
    time.sleep(0.2)
    assert not (tmp_path / "removed").exists()
    victim.kill()  # not waited for: a zombie counts as ended
    assert watching.wait(30) == 0
    victim.wait()
    assert (tmp_path / "removed").read_text() == made.run
    assert not made.home.exists()


def test_the_reaper_ends_when_the_stack_is_gone(tmp_path: Path) -> None:
    made = stack_at(tmp_path, f"{os.getpid()}-abc")
    watching = subprocess.Popen(
        [sys.executable, "-m", "nexusdev.testing.reaper", str(made.home)], stdout=subprocess.PIPE, text=True
    )
    assert watching.stdout
    watching.stdout.readline()
    for file in made.home.iterdir():
        file.unlink()
    made.home.rmdir()
    assert watching.wait(30) == 0


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--nexus=ephemeral", "--nexus-tier=large"], "--nexus-tier=large: expected one of lite, ha"),
        (["--nexus=ephemeral", "--nexus-instance=shop"], "leave out --nexus-instance"),
        (["--nexus=ephemeral", "--nexus-keep"], "cannot be kept"),
    ],
)
def test_contradicting_options_are_refused(pytester: pytest.Pytester, options: list[str], problem: str) -> None:
    pytester.makepyfile("def test_it(): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)
    result.stderr.fnmatch_lines([f"*{problem}*"])


def test_the_mark_of_single_servers_is_the_one_of_the_scripts() -> None:
    folder = Path(__file__).parents[3] / "compose"
    for script in ("redis/redis-entrypoint.sh", "minio/entrypoint.sh", "postgres/start_patroni.py"):
        assert SINGLE in (folder / script).read_text(), script
