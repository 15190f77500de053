"""Queries git for whether it ignores or tracks a file with passwords, and finds the rule that makes git ignore it.

Each query names the repository (--git-dir, --work-tree). Git does not check the owner of a repository that is named, so it also
answers where it would reject a discovered one for "dubious ownership". The queries run no program that the repository configures.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path

from msgspec import Struct

from nexusdev.env import git_index

_SECONDS = 10
_NO = 1
_NO_PROGRAM = "git is not in PATH"


class Standing(IntEnum):
    """How git treats a file, from harmless to worst."""

    OUTSIDE = 0
    IGNORED = 1
    UNKNOWN = 2
    EXPOSED = 3
    TRACKED = 4


class Finding(Struct, frozen=True, kw_only=True):
    """How git treats one file.

    Attributes:
        reason: Why it is not ignored, or why that is unknown: git's own message.
        untracked: Whether git certainly does not track the file.
    """

    standing: Standing
    reason: str = ""
    untracked: bool = True


class GitAnswer(Struct, frozen=True, kw_only=True):
    """An answer of git. ``yes`` is None if git gave neither answer; ``reason`` then says why."""

    yes: bool | None
    reason: str = ""


class Repository(Struct, frozen=True, kw_only=True):
    """A work tree and its git folder; both absolute."""

    root: Path
    folder: Path

    @property
    def common(self) -> Path:
        """The git folder that all worktrees of the repository share."""
        try:
            return (self.folder / (self.folder / "commondir").read_text().strip()).resolve()
        except OSError:
            return self.folder

    @property
    def exclude(self) -> Path:
        """The file with the ignore patterns of this clone only."""
        return self.common / "info" / "exclude"

    def ignores(self, path: Path) -> GitAnswer:
        """Return whether git ignores the file. A tracked file is never ignored."""
        asked = self._git("check-ignore", "-z", "--stdin", given=b"./" + self._name(path) + b"\0")
        return _answer(asked, yes=asked.returncode == 0 and bool(asked.stdout), no=asked.returncode == _NO)

    def tracks(self, path: Path) -> GitAnswer:
        """Return whether the file is in git's index. Without a working git command the index is read directly."""
        asked = self._git("--literal-pathspecs", "ls-files", "-z", "--", os.fsdecode(self._name(path)))
        found = _answer(asked, yes=bool(asked.stdout), no=True)
        if found.yes is not None:
            return found
        try:
            return GitAnswer(yes=self._name(path) in git_index.tracked(self.folder, self.common))
        except (OSError, ValueError):
            return found

    def rule(self, path: Path) -> str:
        """Return the rule that prevents a file from being ignored, as FILE:LINE: PATTERN; '' if there is no such rule."""
        given = b"./" + self._name(path) + b"\0"
        asked = self._git("check-ignore", "-z", "--stdin", "--verbose", "--non-matching", given=given)
        source, line, pattern, *_ = (*asked.stdout.split(b"\0"), b"", b"", b"")
        return os.fsdecode(source + b":" + line + b": " + pattern) if source else ""

    def pattern(self, path: Path) -> bytes:
        """Return the line of an ignore file at the root that matches only this file."""
        return escaped(b"/" + self._name(path))

    def _name(self, path: Path) -> bytes:
        return os.fsencode(real(path).relative_to(self.root))

    def _git(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        where = ("-C", str(self.root), f"--git-dir={self.folder}", f"--work-tree={self.root}")
        return _run((*where, "-c", "core.fsmonitor=false", *arguments), environ=_without_places(), given=given)


def git_status_of(path: Path, *, environ: Mapping[str, str] = os.environ) -> Finding:
    """Return how git treats the file, in every repository whose work tree contains it; the worst result counts."""
    findings = [_finding(each, path) for each in repositories(path, environ=environ)]
    return max(findings, key=lambda each: each.standing, default=Finding(standing=Standing.OUTSIDE))


def repositories(path: Path, *, environ: Mapping[str, str] = os.environ) -> tuple[Repository, ...]:
    """Return the repository around the file, and the one that the caller's GIT_DIR and GIT_WORK_TREE name."""
    around = _around(path)
    named = _named(environ) if {"GIT_DIR", "GIT_WORK_TREE"} & environ.keys() else None
    if named is None or not real(path).is_relative_to(named.root):
        return (around,) if around else ()
    if around is None or around == named:
        return (named,)
    # for a repository inside another one, the outer one adds no files
    return (around,) if named.root in around.root.parents else (around, named)


def real(path: Path) -> Path:
    """Return the file with a resolved folder. The file itself may be a symbolic link: git has the link, and a write would replace it."""
    return path.parent.resolve() / path.name


def escaped(name: bytes) -> bytes:
    """Return the ignore pattern that matches only this name; line ends are replaced by ``?``."""
    for special in (b"\\", b"*", b"?", b"["):
        name = name.replace(special, b"\\" + special)
    name = name.replace(b"\n", b"?").replace(b"\r", b"?")
    bare = name.rstrip(b" ")
    return bare + b"\\ " * (len(name) - len(bare))


def _finding(repository: Repository, path: Path) -> Finding:
    ignored = repository.ignores(path)
    if ignored.yes:
        return Finding(standing=Standing.IGNORED)
    tracked = repository.tracks(path)
    if tracked.yes:
        return Finding(standing=Standing.TRACKED, untracked=False)
    if ignored.yes is None:
        return Finding(standing=Standing.UNKNOWN, reason=ignored.reason, untracked=tracked.yes is False)
    if tracked.yes is None:
        return Finding(standing=Standing.UNKNOWN, reason=tracked.reason, untracked=False)
    rule = repository.rule(path)
    return Finding(standing=Standing.EXPOSED, reason=f"{rule} overrides it" if rule else "no rule matches it")


def _around(path: Path) -> Repository | None:
    """Return the nearest folder upwards with a ``.git`` that is a repository, or a file that points to one."""
    folder = real(path).parent
    for root in (folder, *folder.parents):
        place = root / ".git"
        if place.is_file():
            named = place.read_bytes().removeprefix(b"gitdir:").strip(b" \r\n")
            return Repository(root=root, folder=(root / os.fsdecode(named)).resolve())
        if (place / "HEAD").exists() or (place / "HEAD").is_symlink():
            return Repository(root=root, folder=place.resolve())
    return None


def _named(environ: Mapping[str, str]) -> Repository | None:
    """Return the repository that the caller's environment selects; None if it is no work tree."""
    root = _run(("rev-parse", "--show-toplevel"), environ=environ)
    folder = _run(("rev-parse", "--absolute-git-dir"), environ=environ)
    if root.returncode or folder.returncode:
        return None
    return Repository(root=_path(root.stdout).resolve(), folder=_path(folder.stdout).resolve())


def _path(line: bytes) -> Path:
    return Path(os.fsdecode(line.removesuffix(b"\n")))


def _without_places() -> dict[str, str]:
    """Return the environment without variables that select another repository; the user's configuration is kept."""
    kept = ("GIT_CONFIG_", "GIT_EXEC_PATH")
    return {name: value for name, value in os.environ.items() if not name.startswith("GIT_") or name.startswith(kept)}


def _run(
    arguments: Sequence[str], *, environ: Mapping[str, str], given: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run git. On failure to start, the status is -1 and the output is the reason."""
    program = shutil.which("git")
    if program is None:
        return subprocess.CompletedProcess(arguments, -1, b"", _NO_PROGRAM.encode())
    environment = {**environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return subprocess.run(
            [program, *arguments], env=environment, input=given, capture_output=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, -1, b"", f"git did not answer within {_SECONDS} s".encode())
    except OSError as error:
        return subprocess.CompletedProcess(arguments, -1, b"", f"failed to run git: {error.strerror}".encode())


def _answer(asked: subprocess.CompletedProcess[bytes], *, yes: bool, no: bool) -> GitAnswer:
    """Interpret git's exit status. A wrapper that is not git may also exit with 1, but then it writes a message."""
    said = [line for line in asked.stderr.decode("utf-8", "replace").splitlines() if not line.startswith("warning:")]
    if asked.returncode in (0, _NO) and not said and (yes or no):
        return GitAnswer(yes=yes)
    fatal = next((line for line in said if line.startswith(("fatal:", "error:"))), said[0] if said else "")
    words = fatal.removeprefix("fatal:").removeprefix("error:").strip()
    return GitAnswer(yes=None, reason=words or f"git exited with status {asked.returncode}")
