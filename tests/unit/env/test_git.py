"""The env file in every layout of a git repository: git ignores it, or it is said; a tracked file is never written over.

Every answer is checked against git's own ``status`` and ``add``.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nexusdev.env import git_exclude, git_index
from nexusdev.env.file import Written, write
from nexusdev.env.formats import render
from nexusdev.env.git import Standing, git_status_of
from nexusdev.errors import InvalidConfig

CONTENT = render({"PGPASSWORD": "s3cret"}, "dotenv", instance="shop")
NAME = ".env.nexusdev"
OTHER_USER = 12345
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


@pytest.fixture(autouse=True)
def _own_configuration(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_") or name == "SUDO_UID"]:
        monkeypatch.delenv(name)
    (home / ".gitconfig").write_text('[user]\nname = a\nemail = a@b\n[protocol "file"]\nallow = always\n')


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL
    ).stdout


def made(folder: Path) -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "one")
    return folder


def is_safe(folder: Path, written: Written) -> bool:
    """Nobody can add it by accident, and nothing is warned of."""
    git(folder, "add", "--all")
    return git(folder, "status", "--porcelain", "--untracked-files=all") == "" and written.warning == ""


def test_the_file_is_ignored_in_the_root_of_a_repository(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    written = write(root / NAME, CONTENT)
    assert written.excluded == str(root / ".git" / "info" / "exclude")
    assert is_safe(root, written)


def test_the_file_is_ignored_in_a_folder_of_a_repository(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    (root / "a" / "b").mkdir(parents=True)
    assert is_safe(root, write(root / "a" / "b" / NAME, CONTENT))
    assert (root / ".git" / "info" / "exclude").read_text().endswith(f"\n/a/b/{NAME}\n/a/b/{NAME}.*.tmp\n")


def test_the_file_is_ignored_in_a_worktree(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    git(root, "worktree", "add", "-q", str(tmp_path / "feature"))
    written = write(tmp_path / "feature" / NAME, CONTENT)
    assert written.excluded == str(root / ".git" / "info" / "exclude")
    assert is_safe(tmp_path / "feature", written)


def test_the_file_is_ignored_in_a_worktree_of_a_bare_clone(tmp_path: Path) -> None:
    made(tmp_path / "origin")
    git(tmp_path, "clone", "-q", "--bare", str(tmp_path / "origin"), "shop/.bare")
    (tmp_path / "shop" / ".git").write_text("gitdir: ./.bare\n")
    git(tmp_path / "shop", "worktree", "add", "-q", "main")
    assert is_safe(tmp_path / "shop" / "main", write(tmp_path / "shop" / "main" / NAME, CONTENT))
    assert write(tmp_path / "shop" / NAME, CONTENT).warning == ""


def test_the_file_is_ignored_in_a_submodule(tmp_path: Path) -> None:
    made(tmp_path / "library")
    root = made(tmp_path / "shop")
    git(root, "submodule", "add", "-q", str(tmp_path / "library"), "lib")
    git(root, "commit", "-q", "-m", "two")
    written = write(root / "lib" / NAME, CONTENT)
    assert written.excluded == str(root / ".git" / "modules" / "lib" / "info" / "exclude")
    assert is_safe(root / "lib", written)
    assert is_safe(root, written)


def test_the_file_is_ignored_behind_a_symbolic_link_into_a_repository(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    (root / "a").mkdir()
    (tmp_path / "link").symlink_to(root / "a")
    assert is_safe(root, write(tmp_path / "link" / NAME, CONTENT))


@pytest.mark.parametrize(
    "folder",
    ["a[b]", "a*b", "a?b", "!a", "#a", " a", "a ", "a\\b", "a\nb", ":a", "-a", ":(top)a", "{a,b}", "Jörg", "a\r"],
)
@pytest.mark.parametrize("name", [NAME, "[x]*.env ", "#!.env"])
def test_special_characters_of_a_path_are_escaped(tmp_path: Path, folder: str, name: str) -> None:
    root = made(tmp_path / "shop")
    (root / folder).mkdir()
    assert is_safe(root, write(root / folder / name, CONTENT))


def test_the_pattern_ignores_no_other_file(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    for folder in ("[b]", "b", "c/[b]"):
        (root / folder).mkdir(parents=True)
    write(root / "[b]" / NAME, CONTENT)
    others = [root / "b" / NAME, root / "c" / "[b]" / NAME]
    for other in others:
        other.write_text("")
    assert [git_status_of(each).standing for each in others] == [Standing.EXPOSED, Standing.EXPOSED]


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_last_pattern_of_the_user_stays_effective(tmp_path: Path, end: str) -> None:
    root = made(tmp_path / "shop")
    exclude = root / ".git" / "info" / "exclude"
    exclude.write_text(f"*.log{end}")
    (root / "big.log").write_text("")
    assert is_safe(root, write(root / NAME, CONTENT))
    assert exclude.read_text().startswith(f"*.log\n/{NAME}\n")


def test_a_second_write_adds_no_second_line(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    write(root / NAME, CONTENT)
    before = (root / ".git" / "info" / "exclude").read_bytes()
    assert write(root / NAME, CONTENT + "A=1\n").excluded == ""
    assert (root / ".git" / "info" / "exclude").read_bytes() == before


def test_a_missing_info_folder_is_created(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    (root / ".git" / "info" / "exclude").unlink()
    (root / ".git" / "info").rmdir()
    assert is_safe(root, write(root / NAME, CONTENT))


def test_an_unwritable_exclude_file_is_reported_with_a_hint(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    (root / ".git" / "info" / "exclude").unlink()
    (root / ".git" / "info" / "exclude").symlink_to("/nowhere/exclude")
    written = write(root / NAME, CONTENT)
    assert written.excluded == ""
    assert f"git does not ignore {root / NAME}" in written.warning
    assert "info/exclude: No such file or directory" in written.warning
    assert f">> {root / '.gitignore'}" in written.warning


def test_git_failures_are_quoted(tmp_path: Path) -> None:
    root = made(tmp_path / "shop")
    (root / ".git" / "info" / "exclude").unlink()
    (root / ".git" / "info" / "exclude").mkdir()
    assert "cannot use" in write(root / NAME, CONTENT).warning


@pytest.mark.parametrize("folder", ["a", "a [b] "])
def test_the_suggested_command_fixes_the_warning(tmp_path: Path, folder: str) -> None:
    root = made(tmp_path / "shop")
    (root / folder).mkdir()
    (root / ".gitignore").write_text(f"!{NAME}\n")
    written = write(root / folder / NAME, CONTENT)
    assert f".gitignore:1: !{NAME} overrides it" in written.warning
    subprocess.run(["sh", "-c", written.warning.partition("To fix it: ")[2]], check=True)
    assert write(root / folder / NAME, CONTENT).warning == ""
    git(root, "add", "--all")
    assert NAME not in git(root, "status", "--porcelain").replace(".gitignore", "")


def test_a_partial_pattern_is_removed_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exclude = made(tmp_path / "shop") / ".git" / "info" / "exclude"
    before = exclude.read_bytes()
    real = os.write

    def short(descriptor: int, data: bytes) -> int:
        if len(data) < 8:
            raise OSError(28, "No space left on device")
        return real(descriptor, data[:5])

    monkeypatch.setattr(os, "write", short)
    with pytest.raises(OSError, match="No space left"):
        git_exclude.append(exclude, [b"/.env.nexusdev"])
    assert exclude.read_bytes() == before


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A repository of another user, where git refuses to work ("dubious ownership")."""
    root = made(tmp_path / "shop")
    (root / ".env.tracked").write_text("")
    git(root, "add", "-f", ".env.tracked")
    for each in (root, *root.rglob("*")):
        os.chown(each, OTHER_USER, OTHER_USER)
    refused = subprocess.run(["git", "-C", str(root), "status"], capture_output=True, text=True, check=False)
    assert "dubious ownership" in refused.stderr
    return root


@as_root
def test_the_file_is_ignored_in_a_repository_of_another_user(foreign: Path) -> None:
    assert write(foreign / NAME, CONTENT).warning == ""
    assert git(foreign, "-c", "safe.directory=*", "status", "--porcelain", "--untracked-files=all").split() == [
        "A",
        ".env.tracked",
    ]
    assert (foreign / ".git" / "info" / "exclude").stat().st_uid == OTHER_USER


@as_root
def test_a_new_exclude_file_belongs_to_the_owner_of_the_repository(foreign: Path) -> None:
    (foreign / ".git" / "info" / "exclude").unlink()
    write(foreign / NAME, CONTENT)
    assert (foreign / ".git" / "info" / "exclude").stat().st_uid == OTHER_USER


@as_root
def test_a_tracked_file_of_another_users_repository_is_refused(foreign: Path) -> None:
    with pytest.raises(InvalidConfig, match="is tracked by git"):
        write(foreign / ".env.tracked", CONTENT)
    assert (foreign / ".env.tracked").read_text() == ""


class TestWithoutGit:
    """No program on the PATH, or one that gives no answer."""

    @pytest.fixture
    def root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        root = made(tmp_path / "shop")
        (root / "sub").mkdir()
        (root / "sub" / "x.env").write_text("")
        git(root, "add", "-f", "sub/x.env")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        return root

    def test_an_uncertain_exclusion_is_written_and_reported(self, root: Path) -> None:
        written = write(root / NAME, CONTENT)
        assert "cannot tell whether git ignores" in written.warning
        assert "git is not in PATH" in written.warning
        assert f"/{NAME}\n" in (root / ".git" / "info" / "exclude").read_text()

    def test_tracked_files_are_read_from_the_index(self, root: Path) -> None:
        with pytest.raises(InvalidConfig, match="is tracked by git"):
            write(root / "sub" / "x.env", CONTENT)
        assert write(root / "sub" / "y.env", CONTENT).changed
        assert write(root / "x.env", CONTENT).changed

    def test_a_damaged_index_keeps_an_empty_file(self, root: Path) -> None:
        (root / ".git" / "index").write_bytes(b"DIRC\0\0\0\2\0\0\0\1")
        with pytest.raises(InvalidConfig) as raised:
            write(root / "sub" / "x.env", CONTENT)
        assert raised.value.code == "ENV_FILE_MAYBE_TRACKED"
        assert (root / "sub" / "x.env").read_text() == ""

    def test_a_git_wrapper_with_another_output_gives_no_answer(self, root: Path, tmp_path: Path) -> None:
        """As /usr/bin/git of macOS before its command line tools are installed."""
        program = tmp_path / "bin" / "git"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\necho 'xcrun: error: invalid active developer path' >&2\nexit 1\n")
        program.chmod(0o755)
        assert "xcrun: error: invalid active developer path" in write(root / NAME, CONTENT).warning
        with pytest.raises(InvalidConfig, match="is tracked by git"):
            write(root / "sub" / "x.env", CONTENT)

    def test_a_git_that_cannot_run_is_reported(self, root: Path, tmp_path: Path) -> None:
        program = tmp_path / "bin" / "git"
        program.parent.mkdir()
        program.write_bytes(b"\x7fELF")
        program.chmod(0o755)
        assert "failed to run git" in write(root / NAME, CONTENT).warning


@pytest.mark.parametrize("version", ["2", "3", "4"])
@pytest.mark.parametrize("hashes", ["sha1", "sha256"])
def test_every_index_version_is_read(tmp_path: Path, version: str, hashes: str) -> None:
    git(tmp_path, "init", "-q", f"--object-format={hashes}", "shop")
    root = tmp_path / "shop"
    names = ["a.env", "folder/a.env", "folder/b.env", "folder/deep/a" + "x" * 200, "z"]
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    git(root, "add", ".")
    if version == "3":
        git(root, "rm", "-q", "--cached", "z")
        git(root, "add", "--intent-to-add", "z")
    git(root, "update-index", "--index-version", version)
    assert git_index.tracked(root / ".git", root / ".git") == {name.encode() for name in names}


def test_a_split_index_is_read_with_its_shared_part(tmp_path: Path) -> None:
    root = made(tmp_path)
    (root / "a").write_text("")
    git(root, "add", "a")
    git(root, "update-index", "--split-index")
    (root / "b").write_text("")
    git(root, "add", "b")
    assert git_index.tracked(root / ".git", root / ".git") >= {b"a", b"b"}


def test_a_worktree_without_its_repository_is_reported(tmp_path: Path) -> None:
    """As in a container that has the worktree alone."""
    (tmp_path / ".git").write_text("gitdir: /nowhere/.git/worktrees/shop\n")
    assert "not a git repository: '/nowhere/.git/worktrees/shop'" in write(tmp_path / NAME, CONTENT).warning


def test_an_empty_git_folder_is_no_repository(tmp_path: Path) -> None:
    root = made(tmp_path / "outer")
    (root / "shop" / ".git").mkdir(parents=True)
    assert is_safe(root, write(root / "shop" / NAME, CONTENT))


class TestTheCallersOwnRepository:
    """GIT_DIR and GIT_WORK_TREE, as for configuration files that are kept in a bare repository, and in hooks."""

    def test_git_runs_in_the_work_tree_of_the_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        git(tmp_path, "init", "-q", "--bare", "dots.git")
        (tmp_path / "home" / "shop").mkdir(parents=True)
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "dots.git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "home"))
        written = write(tmp_path / "home" / "shop" / NAME, CONTENT)
        assert written.excluded == str(tmp_path / "dots.git" / "info" / "exclude")
        assert is_safe(tmp_path / "home", written)

    def test_only_the_repository_of_the_file_is_asked(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        other, root = made(tmp_path / "other"), made(tmp_path / "shop")
        monkeypatch.setenv("GIT_DIR", str(other / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(other))
        monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere")
        written = write(root / NAME, CONTENT)
        monkeypatch.undo()
        assert written.excluded == str(root / ".git" / "info" / "exclude")

    def test_a_relative_path_starts_at_the_current_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        root = made(tmp_path / "shop")
        (root / "sub").mkdir()
        monkeypatch.chdir(root)
        monkeypatch.setenv("GIT_DIR", ".git")
        written = write(root / "sub" / NAME, CONTENT)
        monkeypatch.delenv("GIT_DIR")
        assert is_safe(root, written)

    def test_an_outer_repository_adds_no_files_of_an_inner_one(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        outer = made(tmp_path / "outer")
        inner = made(outer / "inner")
        monkeypatch.setenv("GIT_DIR", str(outer / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(outer))
        assert write(inner / NAME, CONTENT).warning == ""
