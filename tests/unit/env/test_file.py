"""The env file: secret, whole, and never where git would publish it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from nexusdev.env.file import write
from nexusdev.env.formats import render
from nexusdev.errors import InvalidConfig

CONTENT = render({"PGHOST": "127.0.0.1"}, "dotenv", instance="shop")


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(folder), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    return tmp_path


def test_it_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        write(tmp_path / ".env.nexusdev", CONTENT)
    finally:
        os.umask(old)
    assert (tmp_path / ".env.nexusdev").stat().st_mode & 0o777 == 0o600


def test_writing_is_idempotent(tmp_path: Path) -> None:
    target = tmp_path / ".env.nexusdev"
    assert write(target, CONTENT).changed
    before = target.stat()
    assert not write(target, CONTENT).changed
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_tracked_env_file_is_refused_and_unchanged(repository: Path) -> None:
    target = repository / ".env.nexusdev"
    target.write_text("# Written by nexusdev for instance old\n")
    git(repository, "add", "-f", ".env.nexusdev")
    with pytest.raises(InvalidConfig) as raised:
        write(target, CONTENT)
    assert raised.value.code == "ENV_FILE_TRACKED"
    assert "git rm --cached .env.nexusdev" in raised.value.hint
    assert target.read_text() == "# Written by nexusdev for instance old\n"


def test_a_deleted_tracked_file_is_still_refused(repository: Path) -> None:
    (repository / ".env.nexusdev").write_text("")
    git(repository, "add", "-f", ".env.nexusdev")
    (repository / ".env.nexusdev").unlink()
    with pytest.raises(InvalidConfig, match="is tracked by git"):
        write(repository / ".env.nexusdev", CONTENT)


def test_git_ignores_it_only_in_this_clone(repository: Path) -> None:
    (repository / "sub").mkdir()
    target = repository / "sub" / ".env.nexusdev"
    assert write(target, CONTENT).excluded == str(repository / ".git" / "info" / "exclude")
    assert git(repository, "status", "--porcelain") == ""
    assert write(target, CONTENT).excluded == ""


def test_an_ignored_file_is_not_excluded_twice(repository: Path) -> None:
    (repository / ".gitignore").write_text(".env.*\n")
    assert write(repository / ".env.nexusdev", CONTENT).excluded == ""


def test_a_handwritten_file_is_never_overwritten(tmp_path: Path) -> None:
    mine = tmp_path / ".env"
    mine.write_text("DEBUG=1\n")
    with pytest.raises(InvalidConfig, match="was not written by nexusdev"):
        write(mine, CONTENT)
    assert mine.read_text() == "DEBUG=1\n"


def test_an_empty_file_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / ".env").touch()
    assert write(tmp_path / ".env", CONTENT).changed


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_reported(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InvalidConfig, match="failed to write the env file") as raised:
        write(tmp_path / ".env.nexusdev", CONTENT)
    tmp_path.chmod(0o700)
    assert "no permission" in raised.value.why


def test_a_read_only_folder_is_reported_to_root_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InvalidConfig) as raised:
        write(tmp_path / ".env.nexusdev", CONTENT)
    assert f"no permission to write to {tmp_path}" in raised.value.why
    assert "--env-file" in raised.value.hint


@pytest.mark.parametrize("target", ["nowhere/.env", "folder"])
def test_a_path_that_is_not_a_file_is_reported(tmp_path: Path, target: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidConfig, match="failed to write the env file"):
        write(tmp_path / target, CONTENT)


FULL_DISK = """
    import resource, sys
    from pathlib import Path
    from nexusdev.env.file import write
    from nexusdev.errors import InvalidConfig

    resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
    try:
        write(Path(sys.argv[1]), "# Written by nexusdev\\n" + "X" * 1000)
    except InvalidConfig as error:
        sys.exit(error.exit_status)
"""


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """A limit on the size of files stands for the full disk."""
    target = tmp_path / ".env.nexusdev"
    write(target, CONTENT)
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FULL_DISK), str(target)], check=False)
    assert done.returncode == 12
    assert target.read_text() == CONTENT
    assert [each.name for each in tmp_path.iterdir()] == [target.name]


def test_leftovers_of_a_killed_process_are_removed_by_the_next_write(tmp_path: Path) -> None:
    target = tmp_path / ".env.nexusdev"
    ended = subprocess.Popen(["true"])
    ended.wait()
    leftover, alive, foreign = (tmp_path / f"{target.name}.{each}.tmp" for each in (ended.pid, os.getppid(), "mine"))
    for each in (leftover, alive, foreign):
        each.write_text("PGPASSWORD=x")
    write(target, CONTENT)
    assert (leftover.exists(), alive.exists(), foreign.exists()) == (False, True, True)


KILLED = """
    import os, signal, sys
    from pathlib import Path
    from nexusdev.env.file import write

    os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
    write(Path(sys.argv[1]), "# Written by nexusdev\\nPGPASSWORD=x\\n")
"""


@pytest.mark.parametrize("rule", ["", ".env.nexusdev\n"], ids=["no rule of the user", "a rule for the file alone"])
def test_a_killed_write_leaves_nothing_for_git_to_add(repository: Path, rule: str) -> None:
    (repository / ".git" / "info" / "exclude").write_text(rule)
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(repository / ".env.nexusdev")], check=False
    )
    assert done.returncode == -9
    assert [each.name for each in repository.glob(".env*")] != []
    assert git(repository, "status", "--porcelain", "--untracked-files=all") == ""
