from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from nexusdev.drills import undo
from nexusdev.drills.undo import Unfinished
from nexusdev.errors import Locked

RECORD = Unfinished(
    drill="shop-kill",
    victims=("shop-0",),
    running=("shop-0",),
    mark="drill_1",
    loads=("shop",),
    began=1.0,
    fault="kill",
)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    undo.write(tmp_path, RECORD)
    assert undo.read(tmp_path) == RECORD
    undo.forget(tmp_path)
    assert undo.read(tmp_path) is None


def test_a_broken_record_still_says_that_a_drill_was_there(tmp_path: Path) -> None:
    (tmp_path / undo.FILE).write_text('{"drill": ')
    found = undo.read(tmp_path)
    assert found is not None
    assert found.victims == ()


def test_the_record_of_a_drill_that_runs_is_not_left_behind(tmp_path: Path) -> None:
    undo.write(tmp_path, RECORD)
    with undo.working(tmp_path):
        assert not undo.left_behind(tmp_path)
    assert undo.left_behind(tmp_path)


def test_no_record_no_drill(tmp_path: Path) -> None:
    assert not undo.left_behind(tmp_path)


def test_two_drills_of_one_instance_do_not_run_at_once(tmp_path: Path) -> None:
    with undo.working(tmp_path), pytest.raises(Locked, match="a drill of this instance"), undo.working(tmp_path):
        pass


def test_a_drill_that_was_killed_left_its_record_behind(tmp_path: Path) -> None:
    program = (
        "import sys, time, pathlib; from nexusdev.drills import undo; folder = pathlib.Path(sys.argv[1])\n"
        "with undo.working(folder): print('working', flush=True); time.sleep(60)"
    )
    undo.write(tmp_path, RECORD)
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    assert not undo.left_behind(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert undo.left_behind(tmp_path)
