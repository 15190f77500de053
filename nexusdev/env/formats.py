"""Renders variables as text, one function per format. Pure and deterministic (no dates); no quotes in formats whose readers do not support them.

One dotenv file reads the same in python-dotenv, ``docker run --env-file``, Compose's ``env_file`` and ``set -a; . FILE``: these
agree only on bare values, so values are checked against an alphabet that none of them interprets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from nexusdev.env import shells
from nexusdev.env.companions import FILE_ONLY
from nexusdev.errors import InvalidConfig

Values = Mapping[str, str]

NAME = re.compile(r"[A-Z_][A-Z0-9_]*")
BARE = re.compile(r"[A-Za-z0-9:/@.,?=_%+-]*")

HEADER = "# Written by nexusdev for instance {instance}; overwritten by every `nexusdev up`. Contains secrets: do not commit."


def render(
    values: Values,
    style: str,
    *,
    instance: str = "",
    missing: Sequence[str] = (),
    environ: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the variables in one of FORMATS, ending with a newline.

    Args:
        values: Name → value.
        style: One of FORMATS. Shell formats also unset variables that would change the meaning of the rendered ones.
        instance: The instance's name, for the comment of a dotenv file.
        missing: Components that a dotenv file lists as missing.
        environ: The environment of the shell that will read the text: its values of these names are saved for ``unset``, and its proxies
            get an exception for loopback.
    """
    named = checked(values)
    if style not in FILES:
        named = {name: value for name, value in named.items() if name not in FILE_ONLY}
    text = FORMATS[style](named, instance)
    if style in SHELLS:
        text = shells.applied(SHELLS[style], text, tuple(named), environ)
    if not missing or style != "dotenv":
        return text
    head, _, rest = text.partition("\n")
    return f"{head}\n# INCOMPLETE: {', '.join(missing)} not proven.\n{rest}"


def checked(values: Values) -> Values:
    """Return the same variables. Raises InvalidConfig for a name or value that readers interpret differently."""
    for name, value in values.items():
        if not NAME.fullmatch(name) or not BARE.fullmatch(value):
            strange = sorted(set(re.sub(BARE.pattern, "", value)))
            raise InvalidConfig(
                f"variable {name} cannot be written portably",
                why=f"its value contains {' '.join(map(repr, strange))}"
                if strange
                else "its name has unusual characters",
                hint="use a state folder without special characters: NEXUSDEV_STATE_DIR=/path/without/spaces",
            )
    return values


def require_portable(folder: Path) -> None:
    """Raise an error for a state folder whose path cannot be written to an env file, before anything is created in it.

    Raises:
        InvalidConfig: Readers of env files interpret a character of the path differently (STATE_PATH).
    """
    strange = sorted(set(BARE.sub("", str(folder))))
    if strange:
        raise InvalidConfig(
            f"the state folder cannot be {folder}",
            why=f"variables of the env file contain its path, and readers of such files disagree about {' '.join(map(repr, strange))}",
            hint="export NEXUSDEV_STATE_DIR=/path/without/spaces   also in your shell's profile: every command must find the state there",
            code="STATE_PATH",
        )


def _lines(pattern: str, values: Values) -> str:
    return "".join(pattern.format(name, value) + "\n" for name, value in values.items())


def dotenv(values: Values, instance: str = "") -> str:
    """Return a file for python-dotenv, docker, Compose and shells."""
    return HEADER.format(instance=instance) + "\n" + docker(values, instance)


def docker(values: Values, _instance: str = "") -> str:
    """Return NAME=value lines only, for ``docker run --env-file``."""
    return _lines("{}={}", values)


def shell(values: Values, _instance: str = "") -> str:
    """Return lines for sh, bash and zsh: ``eval "$(nexusdev env --format shell)"``."""
    return _lines(shells.POSIX.set, values)


def fish(values: Values, _instance: str = "") -> str:
    """Return lines for fish: ``nexusdev env --format fish | source``."""
    return _lines(shells.FISH.set, values)


def powershell(values: Values, _instance: str = "") -> str:
    """Return lines for PowerShell: ``nexusdev env --format powershell | Out-String | Invoke-Expression``."""
    return _lines(shells.POWERSHELL.set, values)


def as_json(values: Values, _instance: str = "") -> str:
    """Return one JSON object, name → value."""
    return json.dumps(dict(values), indent=2) + "\n"


FORMATS: Mapping[str, Callable[[Values, str], str]] = {
    "dotenv": dotenv,
    "shell": shell,
    "fish": fish,
    "powershell": powershell,
    "json": as_json,
    "direnv": shell,
    "docker": docker,
    "github": docker,
}
FILES = ("dotenv", "json")
SHELLS: Mapping[str, shells.Dialect] = {
    "shell": shells.POSIX,
    "direnv": shells.POSIX,
    "fish": shells.FISH,
    "powershell": shells.POWERSHELL,
}
USAGE: Mapping[str, str] = {
    "dotenv": "nexusdev env > .env.local",
    "shell": 'eval "$(nexusdev env --format shell)"',
    "fish": "nexusdev env --format fish | source",
    "powershell": "nexusdev env --format powershell | Out-String | Invoke-Expression",
    "json": "nexusdev env --format json | jq -r .PGHOST",
    "direnv": 'in .envrc: eval "$(nexusdev env --format direnv)"',
    "docker": "nexusdev env --view container --format docker > app.env; docker run --env-file app.env …",
    "github": 'nexusdev env --format github >> "$GITHUB_ENV"',
}
