"""The user's home folder and the current folder. Both may be missing: a user id without a passwd entry, a deleted folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from nexusdev.errors import NotFound, PreflightFailed

#: The hint for a file that this user may not read.
ANOTHERS_HOME = """sudo -H nexusdev …   if HOME is the folder of another user, as after su or sudo -u
ls -ld "$HOME" "$HOME/.config" "$HOME/.local/state"   their owners and modes"""


def current_folder() -> Path:
    """The current folder.

    Raises:
        NotFound: It was deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise NotFound(
            "the current folder does not exist any more",
            why="it was deleted or replaced after the shell entered it",
            hint='cd "$PWD"                   enter the folder that has its name now\nnexusdev -C /the/project …   name the project',
        ) from None


def home_folder(environ: Mapping[str, str] = os.environ) -> Path | None:
    """HOME, else what the passwd database says; None where neither knows one."""
    if home := environ.get("HOME"):
        return Path(home)
    import pwd

    try:
        home = pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return None
    return Path(home) if home else None


def required(environ: Mapping[str, str] = os.environ) -> Path:
    """The home folder.

    Raises:
        PreflightFailed: None is known (NO_HOME).
    """
    if home := home_folder(environ):
        return home
    raise PreflightFailed(
        "no home folder is known for this user",
        why=f"HOME is not set, and no passwd entry has the user id {os.getuid()}",
        hint="HOME=/a/folder/of/yours nexusdev …                 set a home folder\n"
        "NEXUSDEV_STATE_DIR=/a/folder/of/yours nexusdev …   or only where nexusdev keeps its state",
        code="NO_HOME",
    )


def expanded(path: str | Path) -> Path:
    """The path with ``~`` and ``~user`` replaced.

    Raises:
        PreflightFailed: The path needs a home folder, and none is known.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        if str(path).startswith("~/") or str(path) == "~":
            return required() / Path(path).relative_to("~")
        raise PreflightFailed(
            f"no home folder is known for {Path(path).parts[0]}",
            why=f"{path} begins with it, and no passwd entry has that name",
            hint="use an absolute path",
            code="NO_HOME",
        ) from None
