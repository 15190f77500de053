"""Shell completion: prints the completion script and answers completion requests."""

from __future__ import annotations

import os
from pathlib import PurePath

from nexusdev.errors import UsageError

SHELLS = ("bash", "zsh", "fish", "powershell")
VARIABLE = "_NEXUSDEV_COMPLETE"


def script(shell: str | None) -> str:
    """Return the completion script of a shell.

    Args:
        shell: One of ``SHELLS``; None for the shell in ``$SHELL``.

    Raises:
        UsageError: The shell is unknown.
    """
    from typer._completion_shared import get_completion_script

    from nexusdev.deploy.targets import unknown

    name = shell or PurePath(os.environ.get("SHELL", "")).name
    if name not in SHELLS:
        if shell is None:
            raise UsageError(
                "cannot tell which shell you use", hint="\n".join(f"nexusdev completion {each}" for each in SHELLS)
            )
        raise unknown(name, SHELLS, kind="completion for the shell", hint="nexusdev completion {}")
    return str(get_completion_script(prog_name="nexusdev", complete_var=VARIABLE, shell=name))


def is_asked() -> bool:
    """Return whether a shell started this process to complete a command line."""
    return VARIABLE in os.environ


def prepare() -> None:
    """Register the completion classes of the supported shells."""
    from typer import completion

    completion.completion_init()  # type: ignore[attr-defined]  # Typer does not re-export it
