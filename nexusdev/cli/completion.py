"""Completion of commands and options by the shell: the script that it loads, and the answers to its questions."""

from __future__ import annotations

import os
from pathlib import PurePath

from nexusdev.deploy.targets import unknown
from nexusdev.errors import UsageError

SHELLS = ("bash", "zsh", "fish", "powershell")
VARIABLE = "_NEXUSDEV_COMPLETE"


def script(shell: str | None) -> str:
    """The script for a shell; for that of the caller without a name."""
    from typer._completion_shared import get_completion_script

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        if shell is None:
            raise UsageError("which shell?", hint="\n".join(f"nexusdev completion {each}" for each in SHELLS))
        raise unknown(name, SHELLS, kind="completion for the shell", hint="nexusdev completion {}")
    return str(get_completion_script(prog_name="nexusdev", complete_var=VARIABLE, shell=name))


def is_asked() -> bool:
    """Whether a shell asks this process to complete a line."""
    return VARIABLE in os.environ


def prepare() -> None:
    """Teach the parser the dialects of the shells."""
    from typer import completion

    completion.completion_init()  # type: ignore[attr-defined]
