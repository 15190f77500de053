"""The env file: mode 0600, whole or not at all, never tracked by git, and never over a file that somebody wrote by hand."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from msgspec import Struct

from nexusdev.errors import InvalidConfig
from nexusdev.instance.files import replace

SIGNATURE = "# Written by nexusdev"
_GIT_SECONDS = 10


class Written(Struct, frozen=True, kw_only=True):
    """What became of the file.

    changed   its content is new
    excluded  git's exclude file that now names it ('' when git ignored it already, or there is no git)
    """

    path: Path
    changed: bool
    excluded: str = ""


def write(path: Path, content: str) -> Written:
    """Put ``content`` (rendered by ``formats.dotenv``) at ``path``. InvalidConfig where that must not or cannot be."""
    refuse(path)
    excluded = _exclude(path)
    changed = not path.exists() or path.read_text(encoding="utf-8") != content
    try:
        if changed:
            replace(path, content)
        else:
            path.chmod(0o600)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    return Written(path=path, changed=changed, excluded=excluded)


def refuse(path: Path) -> None:
    """Raise what ``write`` would raise; ``up`` asks before it starts anything."""
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not path.parent.is_dir():
        raise _unwritable(path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise _unwritable(path, f"no permission to write into {path.parent}")
    if path.exists() and not _is_ours(path):
        raise InvalidConfig(
            f"{path} was not written by nexusdev",
            why="it would be lost; nexusdev writes only over its own files",
            hint=f"mv {path} {path}.mine   keep it under another name\nnexusdev up --env-file .env.nexusdev   write another file",
        )
    if is_tracked(path):
        raise InvalidConfig(
            f"{path} is tracked by git",
            why="it would hold passwords, and the next commit would publish them",
            hint=f"git rm --cached {path.name} && echo {path.name} >> .gitignore",
            code="ENV_FILE_TRACKED",
        )


def is_tracked(path: Path) -> bool:
    """Whether git has the file in its index."""
    if not _in_repository(path):
        return False
    if shutil.which("git") is None:
        return _named_in_index(path)
    return _git(path, "ls-files", "--error-unmatch", "--", path.name).returncode == 0


def _exclude(path: Path) -> str:
    """Make git ignore the file in this clone alone; the exclude file that was changed, '' when there was no need."""
    if not _in_repository(path) or shutil.which("git") is None:
        return ""
    if _git(path, "check-ignore", "-q", "--", path.name).returncode != 1:
        return ""
    asked = _git(path, "rev-parse", "--show-prefix", "--git-path", "info/exclude")
    prefix, _, place = asked.stdout.strip("\n").partition("\n")
    exclude = (path.parent / place).resolve()
    try:
        exclude.parent.mkdir(exist_ok=True)
        with exclude.open("a", encoding="utf-8") as file:
            file.write(f"/{prefix}{path.name}\n")
    except OSError:
        return ""
    return str(exclude)


def _git(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """git in the file's folder, deaf to the caller's GIT_DIR and to hooks."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", str(path.parent), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=_GIT_SECONDS,
        check=False,
    )


def _in_repository(path: Path) -> bool:
    folder = path.parent.resolve()
    return any((each / ".git").exists() for each in (folder, *folder.parents))


def _named_in_index(path: Path) -> bool:
    """Without a git program: whether its index names the file (versions 2 and 3 keep whole paths)."""
    folder = path.parent.resolve()
    root = next(each for each in (folder, *folder.parents) if (each / ".git").exists())
    index = root / ".git" / "index"
    name = (folder / path.name).relative_to(root).as_posix().encode() + b"\0"
    return index.is_file() and name in index.read_bytes()


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    return start in ("", SIGNATURE)


def _unwritable(path: Path, why: str) -> InvalidConfig:
    return InvalidConfig(
        f"the env file {path} cannot be written",
        why=why,
        hint="nexusdev up --env-file /another/path   write it elsewhere (or env_file in nexusdev.toml)",
        code="ENV_FILE_UNWRITABLE",
    )
