"""One process at a time works on an instance; real processes here."""

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

from nexusdev.errors import Locked
from nexusdev.instance.lock import hold, holder, is_held

HOLDS = """
    import sys, time
    from pathlib import Path
    from nexusdev.instance.lock import hold

    with hold(Path(sys.argv[1]), instance="shop-1", command="nexusdev up"):
        print("held", flush=True)
        time.sleep(float(sys.argv[2]))
"""


@contextmanager
def another_process(file: Path, seconds: float = 60) -> Iterator[subprocess.Popen[str]]:
    script = [sys.executable, "-c", textwrap.dedent(HOLDS), str(file), str(seconds)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def test_a_second_up_at_the_same_time_is_told_who_holds_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "locks" / "shop-1.lock"
    with another_process(file) as process, pytest.raises(Locked) as raised, hold(file, instance="shop-1", command="x"):
        pass
    assert raised.value.exit_status == 14
    assert f"nexusdev up (pid {process.pid}), since " in raised.value.why


def test_kill_9_of_the_holder_frees_the_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with another_process(file) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        with hold(file, instance="shop-1", command="nexusdev up", wait=5):
            assert holder(file) is not None


def test_who_is_willing_to_wait_gets_it_when_it_is_free(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with another_process(file, seconds=0.4), hold(file, instance="shop-1", command="nexusdev down", wait=20):
        found = holder(file)
    assert found is not None
    assert found.pid == os.getpid()


def test_a_free_lock_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file, instance="shop-1", command="nexusdev up"):
        assert is_held(file)
    assert holder(file) is None
    assert not is_held(file)


def test_asking_makes_no_file(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")
    assert not (tmp_path / "lock").exists()


def test_a_lock_file_that_was_removed_meanwhile_is_no_lock(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file, instance="shop-1", command="nexusdev destroy"):
        file.unlink()
        began = time.monotonic()
        with hold(file, instance="shop-1", command="nexusdev up"):
            assert time.monotonic() - began < 1
