"""Who holds a lock, alone or with others, and how one waits for it; real processes here."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from nexusdev.errors import InvalidState, Locked
from nexusdev.util.lock import Holder, Patience, hold, holders, is_held

HOLDS = """
    import sys, time
    from pathlib import Path
    from nexusdev.util.lock import hold

    with hold(Path(sys.argv[1]), subject="shop-1", command="nexusdev up", shared=sys.argv[3] == "shared"):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
"""

# Beside holding it as everybody does, it takes the bare lock, which forgives nobody who has it only for a moment.
TAKES = """
    import fcntl, sys, time
    from pathlib import Path
    from nexusdev.util.lock import hold

    file = Path(sys.argv[1])
    print("begun", flush=True)
    for number in range(int(sys.argv[2])):
        with hold(file, subject="shop-1", command="nexusdev up") as held:
            time.sleep(0.002)
            held.discard = number % 3 == 0
        for _ in range(20):
            with file.open("a") as bare:
                fcntl.flock(bare, fcntl.LOCK_EX | fcntl.LOCK_NB)
                time.sleep(0.0001)
"""

# It asks again without a pause, to meet the moment between the opening of a file and its removal.
COUNTS = """
    import sys, time
    from pathlib import Path
    from nexusdev.util.lock import Patience, hold

    class Restless:
        now = staticmethod(time.monotonic)
        sleep = staticmethod(lambda seconds: None)

    counter, patience = Path(sys.argv[2]), Patience(seconds=60, clock=Restless())
    for round in range(int(sys.argv[3])):
        with hold(Path(sys.argv[1]), subject="shop-1", command="nexusdev up", patience=patience) as held:
            number = int(counter.read_text() or 0)
            time.sleep(0.0005)
            counter.write_text(str(number + 1))
            held.discard = True
"""


def python(script: str, *words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@contextmanager
def another_process(file: Path, seconds: float = 60, mode: str = "exclusive") -> Iterator[subprocess.Popen[str]]:
    with python(HOLDS, file, seconds, mode) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def names(file: Path) -> list[str]:
    return sorted(each.name for each in file.parent.iterdir())


def test_a_concurrent_up_names_the_lock_holder(tmp_path: Path) -> None:
    file = tmp_path / "locks" / "shop-1.lock"
    with another_process(file) as process, pytest.raises(Locked) as raised, hold(file, subject="shop-1", command="x"):
        pass
    assert raised.value.exit_status == 14
    assert f"nexusdev up (pid {process.pid}), since " in raised.value.why
    assert raised.value.hint.startswith(f"kill {process.pid} ")


def test_killing_the_holder_releases_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with another_process(file) as process:
        assert [each.pid for each in holders(file)] == [process.pid]
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert holders(file) == ()
        assert len(names(file)) == 2
        with hold(file, subject="shop-1", command="nexusdev up"):
            assert [each.pid for each in holders(file)] == [os.getpid()]
    assert names(file) == ["lock"]


def test_a_waiter_gets_the_lock_when_free_and_names_the_holder_once(tmp_path: Path) -> None:
    file, told = tmp_path / "lock", list[Holder | None]()
    patience = Patience(seconds=20, tell=told.append)
    with (
        another_process(file, seconds=0.4) as process,
        hold(file, subject="shop-1", command="nexusdev down", patience=patience) as held,
    ):
        assert [(each.pid, each.command) for each in holders(file)] == [(os.getpid(), "nexusdev down")]
        assert 0.1 < held.waited < 10
    assert [each.who if each else "" for each in told] == [f"nexusdev up (pid {process.pid})"]


def test_a_timed_out_waiter_reports_the_wait_and_how_to_extend_it(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    patience = Patience(seconds=1.05, longer="nexusdev down --timeout 60   wait longer")
    with (
        another_process(file),
        pytest.raises(Locked, match="shop-1") as raised,
        hold(file, subject="shop-1", command="nexusdev down", patience=patience),
    ):
        pass
    assert raised.value.why.endswith("still holds the lock after 1 s")
    assert raised.value.hint.startswith("nexusdev down --timeout 60   wait longer\nkill ")


def test_ignored_holders_do_not_block(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    patience = Patience(seconds=60, beside=lambda holder: holder.command != "nexusdev up")
    began = time.monotonic()
    with (
        another_process(file),
        pytest.raises(Locked) as raised,
        hold(file, subject="shop-1", command="nexusdev destroy", patience=patience),
    ):
        pass
    assert time.monotonic() - began < 10
    assert "nexusdev destroy does not wait for it" in raised.value.why


def test_a_free_lock_has_no_holder(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file, subject="shop-1", command="nexusdev up"):
        assert is_held(file)
    assert holders(file) == ()


def test_reading_the_holder_creates_no_file(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert not is_held(tmp_path / "nowhere" / "lock")
    assert list(tmp_path.iterdir()) == []


def test_shared_holders_hold_it_together_and_are_all_named(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with (
        another_process(file, mode="shared") as process,
        hold(file, subject="shop-1", command="nexusdev env --write", shared=True),
    ):
        found = [(each.pid, each.command, each.shared) for each in holders(file)]
        assert found == [(process.pid, "nexusdev up", True), (os.getpid(), "nexusdev env --write", True)]
        with pytest.raises(Locked, match="shop-1"), hold(file, subject="shop-1", command="nexusdev down"):
            pass


def test_an_exclusive_holder_blocks_shared_ones(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with (
        another_process(file),
        pytest.raises(Locked),
        hold(file, subject="shop-1", command="nexusdev env", shared=True),
    ):
        pass


@pytest.mark.parametrize("asker", [is_held, holders])
def test_reading_the_holder_never_blocks_acquisition(tmp_path: Path, asker: object) -> None:
    file, answers = tmp_path / "lock", {True: 0, False: 0}
    assert callable(asker)
    with python(TAKES, file, 100) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        while process.poll() is None:
            answers[bool(asker(file))] += 1
        _, err = process.communicate()
    assert process.returncode == 0, err
    assert min(answers.values()) > 10


def test_a_removed_lock_file_is_not_a_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file, subject="shop-1", command="nexusdev destroy"):
        file.unlink()
        began = time.monotonic()
        with hold(file, subject="shop-1", command="nexusdev up"):
            assert time.monotonic() - began < 1


def test_a_lock_that_removes_its_file_stays_exclusive(tmp_path: Path) -> None:
    file, counter, rounds = tmp_path / "lock", tmp_path / "counter", 40
    counter.write_text("0")
    processes = [python(COUNTS, file, counter, rounds) for _ in range(3)]
    for process in processes:
        _, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
    assert counter.read_text() == str(3 * rounds)
    assert names(file) == ["counter"]


def test_an_unopenable_lock_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.mkdir()
    with pytest.raises(InvalidState, match="failed to open the lock file"), hold(file, subject="shop-1", command="x"):
        pass
