"""The env file: mode 0600, written atomically, never tracked by git, and never over a file written by hand."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from shlex import quote

from msgspec import Struct
from msgspec.structs import replace as replaced

from nexusdev.env.git import Finding, Standing, escaped, git_status_of
from nexusdev.env.git_exclude import ignore
from nexusdev.errors import InvalidConfig
from nexusdev.util.files import replace

SIGNATURE = "# Written by nexusdev"
_BESIDE = ".*.tmp"


class Written(Struct, frozen=True, kw_only=True):
    """The result of writing the env file.

    Attributes:
        changed: Whether its content changed.
        excluded: The git exclude file that was changed ('' if git ignored the file already, or there is no git).
        warning: Why git may publish it nevertheless, and what to type; '' if there is no problem.
    """

    path: Path
    changed: bool
    excluded: str = ""
    warning: str = ""


class GitAdvice(Struct, frozen=True, kw_only=True):
    """A problem to fix, and the command to type."""

    text: str
    fix: str


def write(path: Path, content: str) -> Written:
    """Write ``content`` (rendered by ``formats.dotenv``) to ``path``. Raises InvalidConfig if that is not allowed or fails."""
    refuse(path)
    changed = not path.exists() or path.read_text(encoding="utf-8") != content
    guarded = guard(path, beside=_BESIDE if changed else "")
    try:
        _sweep(path)
        if changed:
            replace(path, content, temporary=_temporary(path))
        else:
            path.chmod(0o600)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    return replaced(guarded, changed=changed)


def guard(path: Path, *, beside: str = "") -> Written:
    """Make git ignore the file and its temporary files. The content is not changed.

    Args:
        path: The file.
        beside: Pattern of the temporary files, as for ``git_exclude.ignore``; '' for none.
    """
    ignoring = ignore(path, beside=beside)
    advised = advice(path, ignoring.finding)
    return Written(
        path=path,
        changed=False,
        excluded=ignoring.excluded,
        warning=f"{advised.text}. To fix it: {advised.fix}" if advised else "",
    )


def refuse(path: Path) -> None:
    """Raise the errors that ``write`` would raise. ``up`` calls this before it starts anything."""
    if path.is_dir():
        raise _unwritable(path, "it is a folder")
    if not path.parent.is_dir():
        raise _unwritable(path, f"folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise _unwritable(path, f"no permission to write to {path.parent}")
    if path.exists() and not _is_ours(path):
        raise InvalidConfig(
            f"{path} was not written by nexusdev",
            why="nexusdev only overwrites env files that it wrote",
            hint=f"mv {path} {path}.mine   rename it\nnexusdev up --env-file .env.nexusdev   write another file",
        )
    _refuse_tracked(path)


def advice(path: Path, finding: Finding) -> GitAdvice | None:
    """Return the advice about a file that git does not, or may not, ignore; None if there is no problem."""
    if finding.standing is Standing.UNKNOWN:
        return GitAdvice(
            text=f"cannot tell whether git ignores {path}, which contains passwords: {finding.reason}",
            fix=f"git -C {quote(str(path.parent))} status   shows the problem; or: nexusdev up --env-file /outside/of/the/repository",
        )
    if finding.standing is not Standing.EXPOSED:
        return None
    pattern = quote(os.fsdecode(escaped(b"/" + os.fsencode(path.name))))
    return GitAdvice(
        text=f"git does not ignore {path}, which contains passwords: {finding.reason}",
        fix=f"printf '%s\\n' {pattern} >> {quote(str(path.parent / '.gitignore'))}",
    )


def _refuse_tracked(path: Path) -> None:
    finding = git_status_of(path)
    if finding.standing is Standing.TRACKED:
        name = quote(path.name)
        raise InvalidConfig(
            f"{path} is tracked by git",
            why="the file contains passwords, and the next commit would publish them",
            hint=f"git rm --cached {name} && echo {name} >> .gitignore",
            code="ENV_FILE_TRACKED",
        )
    if not finding.untracked and path.exists() and not path.stat().st_size:
        raise InvalidConfig(
            f"{path} may be tracked by git",
            why=f"git gave no answer: {finding.reason}",
            hint=f"git -C {quote(str(path.parent))} status   shows what is wrong\n"
            "nexusdev up --env-file /outside/of/the/repository   write another file",
            code="ENV_FILE_MAYBE_TRACKED",
        )


def _temporary(path: Path) -> Path:
    """Return the name of the temporary file. Ignore rules for the file's own name (``.env*``) usually match it too."""
    return path.with_name(f"{path.name}{_BESIDE.replace('*', str(os.getpid()))}")


def _sweep(path: Path) -> None:
    """Remove the temporary files of killed processes, because they contain passwords."""
    for leftover in path.parent.glob(glob.escape(path.name) + _BESIDE):
        process = leftover.name.removeprefix(f"{path.name}.").removesuffix(".tmp")
        if process.isdecimal() and not _lives(int(process)):
            leftover.unlink(missing_ok=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _is_ours(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            start = file.read(len(SIGNATURE))
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from error
    return start in ("", SIGNATURE)


def _unwritable(path: Path, why: str) -> InvalidConfig:
    return InvalidConfig(
        f"failed to write the env file {path}",
        why=why,
        hint="nexusdev up --env-file /another/path   write it elsewhere (or env_file in nexusdev.toml)",
        code="ENV_FILE_UNWRITABLE",
    )
