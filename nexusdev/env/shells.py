"""The lines that a shell evaluates besides the variables: they save and unset what would change their meaning, and restore it.

A shell saves values itself, at the moment when it evaluates the lines: the output of ``env`` has no value of the caller's, except the list of hosts
without a proxy. Light: ``nexusdev env`` imports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from nexusdev.env.companions import COMPANIONS, companions_of
from nexusdev.env.proxies import EXCEPTIONS, LOOPBACK, with_loopback

SAVED = "NEXUSDEV_SAVED_"
_APPLIED = "NEXUSDEV_INSTANCE"


class Dialect(NamedTuple):
    """The syntax of a shell: setting, copying and unsetting a variable, and quoting."""

    set: str
    copy: str
    unset: str
    escaped_quote: str


POSIX = Dialect("export {}='{}'", 'export {}="${}"', "unset {}", "'\\''")
FISH = Dialect("set -gx {} '{}'", "set -gx {} ${}", "set -e {}", "\\'")
POWERSHELL = Dialect("$Env:{} = '{}'", "$Env:{} = $Env:{}", "Remove-Item Env:{} -ErrorAction SilentlyContinue", "''")


def applied(dialect: Dialect, text: str, names: Sequence[str], environ: Mapping[str, str]) -> str:
    """Add the lines that save former values, unset companions, and exempt loopback from proxies.

    Args:
        dialect: The shell's syntax.
        text: The lines that set the variables.
        names: The variables that they set.
        environ: The shell's environment.
    """
    proxies, companions = with_loopback(environ), companions_of(names)
    # If the variables of an instance are set, the values from before are already saved.
    touched = () if environ.get(_APPLIED) else (*names, *companions)
    saved = [name for name in touched if environ.get(name)]
    if not environ.get(_APPLIED):
        saved += proxies  # also if it is not set: an empty saved value means that it is unset later
    saving = [dialect.copy.format(SAVED + name, name) for name in saved]
    unsetting = [dialect.unset.format(name) for name in companions]
    sparing = [dialect.set.format(name, value.replace("'", dialect.escaped_quote)) for name, value in proxies.items()]
    return _lines(saving) + text + _lines([*unsetting, *sparing])


def taken_back(dialect: Dialect, names: Sequence[str], environ: Mapping[str, str]) -> str:
    """Return the lines that unset these variables and restore their former values.

    Args:
        dialect: The shell's syntax.
        names: The variables.
        environ: The shell's environment.
    """
    return _lines(_taking_back(dialect, names, environ))


def _taking_back(dialect: Dialect, names: Sequence[str], environ: Mapping[str, str]) -> Iterator[str]:
    every = [*names, *(each for theirs in COMPANIONS.values() for each in theirs), *EXCEPTIONS]
    for name in dict.fromkeys(every):
        if SAVED + name in environ:
            yield (dialect.copy.format(name, SAVED + name) if environ[SAVED + name] else dialect.unset.format(name))
            yield dialect.unset.format(SAVED + name)
        elif name in names or (name in EXCEPTIONS and environ.get(name) == ",".join(LOOPBACK)):
            yield dialect.unset.format(name)


def _lines(lines: Sequence[str] | Iterator[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
