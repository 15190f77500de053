"""nexusdev as a process: signals, a reader that goes away, no terminal, 40 columns, NO_COLOR."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

# The command line over an engine in memory, as a process of its own. `slow` keeps Redis from getting ready; `finalizer` has
# SIGTERM arrive in a finalizer, where Python ignores exceptions. `thread` has a thread that fails. `running` brings the stack up first.
SCRIPT = """
import os
import signal
import sys
import threading
from pathlib import Path
from nexusdev.__main__ import main
from nexusdev.cli import app
from nexusdev.interfaces import Completed
from nexusdev.operations.up import up
from tests.fakes import House
from nexusdev.util.clock import SystemClock

house = House(folder=Path(sys.argv[1]))
house.clock = SystemClock()
if "slow" in sys.argv[2]:
    house.redis.sentences = ["no master yet"] * 100_000
if "running" in sys.argv[2]:
    house.redis.reading = ("-",)
    # every process has an engine of its own: the volumes of the one before are not in it
    up(house.context(), agreed={"redis-0", "redis-1"})
    house.engine.scripts["redis-0"] = lambda argv, stdin: Completed(exit_code=0, stdout=stdin or b"no input\\n")
class StoppedInFinalizer:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        len("the handler runs before this call")
original = app.start
def start(argv):
    here = original(argv)
    here.doubles = house.doubles
    if "finalizer" in sys.argv[2]:
        StoppedInFinalizer()
    if "thread" in sys.argv[2]:
        threading.Timer(1.0, lambda: {}["missing"]).start()
    return here
app.start = start
main(sys.argv[3:])
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "nexusdev.toml").write_text('instance = "shop"\n')
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    return tmp_path


def argv(folder: Path, *words: str, mode: str = "quick") -> list[str]:
    return [sys.executable, str(folder / "script.py"), str(folder), mode, *words]


def environment(folder: Path, **more: str) -> dict[str, str]:
    root = Path(__file__).parents[3]
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PYTHONPATH": str(root), "NEXUSDEV_STATE_DIR": str(folder / "state"), **more}


def run(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv(folder, *words),
        cwd=folder / "project",
        env=environment(folder, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def begin(folder: Path, *words: str, mode: str = "quick") -> subprocess.Popen[str]:
    return subprocess.Popen(
        argv(folder, *words, mode=mode),
        cwd=folder / "project",
        env=environment(folder, COLUMNS="100"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """What it says on stderr up to the line with these words."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.parametrize(("with_signal", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_up_cleanly_and_names_what_remains(
    folder: Path, with_signal: signal.Signals, status: int
) -> None:
    # the whole run of the tests may be under nohup, and children inherit that
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        process = begin(folder, "up", mode="slow")
    finally:
        signal.signal(signal.SIGHUP, before)
    read_until(process, "no master yet")
    process.send_signal(with_signal)
    _, err = process.communicate(timeout=30)
    assert process.returncode == status
    assert "up was interrupted" in err
    assert "nexusdev down" in err
    assert "Traceback" not in err


def test_a_signal_that_arrives_in_a_finalizer_is_not_lost(folder: Path) -> None:
    process = begin(folder, "up", mode="slow finalizer")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "was interrupted" in err
    assert "Traceback" not in err
    assert "ignored" not in err


def test_a_background_thread_that_fails_ends_the_command_with_a_bug_report(folder: Path) -> None:
    process = begin(folder, "up", mode="slow thread")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "internal error: KeyError: 'missing'" in err
    assert "in the thread: Thread-" in err
    assert "Traceback" not in err
    (report,) = folder.rglob("bug-*.txt")
    assert "instance: shop" in report.read_text()


def test_sigusr2_shows_the_stacks_of_all_threads_and_the_command_goes_on(folder: Path) -> None:
    process = begin(folder, "up", mode="slow")
    read_until(process, "no master yet")
    process.send_signal(signal.SIGUSR2)
    said = read_until(process, "in _guarded")
    assert "Thread 0x" in said
    assert "readiness_loop.py" in said
    assert process.poll() is None
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 143


def test_nohup_survives_a_closed_terminal(folder: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        process = begin(folder, "up", mode="slow")
    finally:
        signal.signal(signal.SIGHUP, before)
    read_until(process, "no master yet")
    process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.terminate()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 143
    assert "Traceback" not in err


def test_an_up_waits_for_another_with_one_message(folder: Path) -> None:
    first = begin(folder, "up", mode="slow")
    read_until(first, "no master yet")
    # each process has an engine of its own in memory: the volumes of the first are not in that of the second
    second = begin(folder, "--yes", "up", "--recreate-volumes")
    said = read_until(second, "waiting for")
    assert f"waiting for nexusdev up (pid {first.pid}) to end" in said
    first.terminate()
    first.communicate(timeout=30)
    out, err = second.communicate(timeout=30)
    assert second.returncode == 0, err
    assert "ready" in out
    assert "waiting for" not in err


def test_ctrl_c_while_waiting_exits_and_reports_no_changes(folder: Path) -> None:
    first = begin(folder, "up", mode="slow")
    read_until(first, "no master yet")
    second = begin(folder, "up")
    read_until(second, "waiting for")
    began = time.monotonic()
    second.send_signal(signal.SIGINT)
    _, err = second.communicate(timeout=30)
    assert time.monotonic() - began < 2
    assert second.returncode == 130
    assert f"up was interrupted while waiting for nexusdev up (pid {first.pid})" in err
    assert "nothing was changed" in err
    assert first.poll() is None
    first.terminate()
    first.communicate(timeout=30)


def test_a_closed_pipe_ends_the_command_quietly(folder: Path) -> None:
    command = subprocess.list2cmdline(argv(folder, "--help"))
    ran = subprocess.run(
        ["bash", "-c", f"{command} | head -n 1"],
        cwd=folder / "project",
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.startswith("Usage:")
    assert ran.stderr == ""


@pytest.mark.parametrize("words", [["--help"], ["up", "-q"], ["completion", "bash"]], ids=" ".join)
def test_a_pipe_closed_before_the_output_is_no_failure(folder: Path, words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        argv(folder, *words),
        cwd=folder / "project",
        env=environment(folder, PYTHONUNBUFFERED="1"),
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (0, b"")


def full(folder: Path, *words: str, stream: str = "stdout") -> subprocess.CompletedProcess[str]:
    """Run with a stream on a disk that is full."""
    with Path("/dev/full").open("wb") as device:
        return subprocess.run(
            argv(folder, *words),
            cwd=folder / "project",
            env=environment(folder),
            text=True,
            stdout=device if stream == "stdout" else subprocess.PIPE,
            stderr=device if stream == "stderr" else subprocess.PIPE,
            timeout=60,
            check=False,
        )


def closed(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run without stdout."""
    return subprocess.run(
        ["bash", "-c", '"$@" >&-', "-", *argv(folder, *words)],
        cwd=folder / "project",
        env=environment(folder),
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words", ["--help", "ls", "--json ls", "--json status", "completion bash", "up -q", "config show"]
)
@pytest.mark.parametrize("stdout", ["full", "closed"])
def test_unwritable_output_is_a_single_error(folder: Path, words: str, stdout: str) -> None:
    """Closed is an error as well, as it is for ls and cat: who redirected the output wrongly must not believe that it was written."""
    ran = full(folder, *words.split()) if stdout == "full" else closed(folder, *words.split())
    assert ran.returncode == 5
    reason = "No space left on device" if stdout == "full" else "Bad file descriptor"
    assert ran.stderr.startswith(f"Error: failed to write the output: {reason}")
    assert "OUTPUT_FAILED" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "bug" not in ran.stderr


@pytest.mark.parametrize(
    ("stdout", "reason"), [("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")]
)
@pytest.mark.parametrize(
    "words",
    ["env", "env --no-proof", "env --format json --no-proof", "env --format github", "secrets show redis-app"],
)
def test_unwritable_machine_output_is_a_single_error(
    folder: Path, calling: str, words: str, stdout: str, reason: str
) -> None:
    ran = subprocess.run(
        ["bash", "-c", f"{calling} {words} >{stdout}"],
        cwd=folder / "project",
        env=environment(folder),
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr.partition("  ")[0]) == (
        5,
        f"Error: failed to write the output: {reason}",
    )


def test_unwritable_progress_is_ignored(folder: Path) -> None:
    assert full(folder, "nosuch", stream="stderr").returncode == 2
    ran = full(folder, "up", stream="stderr")
    assert ran.returncode == 0
    assert "ready" in ran.stdout


def test_unencodable_characters_are_replaced_or_escaped_in_json(folder: Path) -> None:
    (folder / "jörg").mkdir()
    words = ("-C", str(folder / "jörg"), "status")
    text, envelope = (run(folder, *more, *words, PYTHONIOENCODING="ascii") for more in ((), ("--json",)))
    assert text.returncode == envelope.returncode == 3
    assert "j?rg" in text.stderr
    assert "jörg" in json.loads(envelope.stdout)["error"]["why"]


def test_a_folder_name_with_invalid_utf_8_is_printed_as_bytes(folder: Path) -> None:
    strange = os.fsencode(folder) + b"/\xff"
    Path(os.fsdecode(strange)).mkdir()
    ran = subprocess.run(
        [*argv(folder, "-C"), strange, "status"],
        env=environment(folder),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 3
    assert strange in ran.stderr


HOMELESS = """
import pwd
def unknown(number):
    raise KeyError(number)
pwd.getpwuid = unknown
from nexusdev.__main__ import main
main()
"""


@pytest.mark.parametrize("words", ["ls", "status", "up", "env", "env --no-proof", "gc --dry-run", "images list"])
def test_without_a_home_folder_commands_name_the_setting(folder: Path, words: str) -> None:
    for more in ((), ("--json",)):
        ran = subprocess.run(
            [sys.executable, "-c", HOMELESS, *words.split(), *more],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.returncode == 5, ran.stderr
        error = json.loads(ran.stdout)["error"] if more else {"code": "NO_HOME", "hint": ran.stderr}
        assert error["code"] == "NO_HOME"
        assert "NEXUSDEV_STATE_DIR=" in error["hint"]


def test_a_state_folder_suffices_without_a_home_folder(folder: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", HOMELESS, "config", "show"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(Path(__file__).parents[3]),
            "NEXUSDEV_STATE_DIR": str(folder / "state"),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert not (folder / "~").exists()


@pytest.mark.parametrize("words", ["ls", "status", "env", "up", "up --env-file a", "--json status"])
def test_a_deleted_current_folder_is_a_single_error(folder: Path, words: str) -> None:
    (folder / "gone").mkdir()
    ran = subprocess.run(
        ["bash", "-c", f"cd gone && rmdir ../gone && {subprocess.list2cmdline(argv(folder))} {words}"],
        cwd=folder,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 3, ran.stderr
    assert "the current folder does not exist any more" in ran.stdout + ran.stderr


@pytest.mark.parametrize("words", ["up", "--json up"])
def test_an_uncreatable_state_folder_is_a_single_error(folder: Path, words: str) -> None:
    ran = run(folder, *words.split(), NEXUSDEV_STATE_DIR="/proc/nothing")
    assert ran.returncode == 12
    assert "failed to create the state folder /proc/nothing" in ran.stdout + ran.stderr
    assert "bug" not in ran.stdout + ran.stderr


def test_output_without_a_terminal_has_no_escape_codes(folder: Path) -> None:
    ran = run(folder, "up")
    assert ran.returncode == 0, ran.stderr
    assert "\x1b" not in ran.stdout + ran.stderr
    assert "\r" not in ran.stderr


def test_every_line_fits_forty_columns(folder: Path) -> None:
    ran = run(folder, "up", "redsi", COLUMNS="40")
    assert max(map(len, ran.stderr.splitlines())) <= 40


def on_terminal(folder: Path, *words: str, **more: str) -> str:
    """What a terminal of 80 columns receives."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        argv(folder, *words),
        cwd=folder / "project",
        env=environment(folder, TERM="xterm", COLUMNS="80", **more),
        stdin=child,
        stdout=child,
        stderr=child,
    )
    os.close(child)
    received = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:
            break
        if not chunk:
            break
        received += chunk
    os.close(parent)
    process.wait(timeout=60)
    return received.decode()


def test_a_terminal_gets_a_live_colored_board(folder: Path) -> None:
    seen = on_terminal(folder, "up")
    assert "ready, proven" in seen
    assert "\x1b[32m" in seen


def test_no_color_is_respected_on_a_terminal(folder: Path) -> None:
    seen = on_terminal(folder, "up", NO_COLOR="1")
    assert "ready, proven" in seen
    assert "\x1b[32m" not in seen
    assert "\x1b[31m" not in on_terminal(folder, "statsu", NO_COLOR="1")


@pytest.fixture
def calling(folder: Path) -> str:
    """The beginning of a command line, for a shell."""
    return subprocess.list2cmdline(argv(folder, mode="running"))


def in_bash(folder: Path, script: str) -> str:
    ran = subprocess.run(
        ["bash"],
        input=script,
        cwd=folder / "project",
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stderr == ""
    return ran.stdout


@pytest.mark.parametrize(
    "words", ["redis GET a", "redis --no-stdin -", "exec -T redis-0 true", "exec --no-stdin redis-0 -- true"]
)
def test_a_command_without_input_does_not_consume_stdin(folder: Path, calling: str, words: str) -> None:
    script = f"""printf 'a\nb\n' | while read x; do echo $x; {calling} {words}; done
{calling} {words}
echo end
"""
    assert in_bash(folder, script).split("\n") == ["a", "no input", "b", "no input", "no input", "end", ""]


@pytest.mark.parametrize("words", ["redis -", "exec redis-0 cat"])
def test_piped_input_reaches_the_command(folder: Path, calling: str, words: str) -> None:
    assert in_bash(folder, f"echo data | {calling} {words}") == "data\n"
    assert '"stdout": "data' in in_bash(folder, f"echo data | {calling} --json {words}")


@pytest.mark.parametrize("words", ["--json redis GET a", "redis GET a", "--json exec -T redis-0 true"])
def test_endless_input_does_not_block_the_command(folder: Path, calling: str, words: str) -> None:
    reading, writing = os.pipe()
    ran = subprocess.run(
        ["bash", "-c", f"{calling} {words}"],
        stdin=reading,
        cwd=folder / "project",
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    os.close(reading)
    os.close(writing)
    assert "no input" in ran.stdout
