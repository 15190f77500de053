"""Global options: accepted before or after the command, and moved to the front before parsing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from nexusdev.components.registry import COMMANDS

_FLAGS = ("--json", "--quiet", "--verbose", "--no-color", "--yes")
_VALUED = ("-i", "--instance", "-C", "--project", "--runtime", "--context", "--namespace", "--timeout")
_SHORT = frozenset("qvy")

# Commands whose arguments belong to another program, with the number of leading arguments that are ours.
_PASSING = {"run": 0, "exec": 1, **dict.fromkeys(COMMANDS, 0)}
# Options of these commands, with the number of words of each; `-v` is a volume there, as in `docker run`, and the namespace of `env` is
# that of the application.
_OWN: Mapping[str, Mapping[str, int]] = {
    "run": {
        **dict.fromkeys(("--in", "-v", "--volume", "-w", "--workdir", "-u", "--user"), 2),
        "--no-proof": 1,
    },
    "env": {"--namespace": 2},
}
# Options of the commands that run a client in a server's container.
_THEIRS = ("--no-stdin", "-T")


class Globals(Struct, frozen=True, kw_only=True):
    """Values of the global options. ``timeout`` is the text as given (``90``, ``90s``, ``1h30m``)."""

    instance: str | None = None
    project: Path | None = None
    runtime: str | None = None
    context: str | None = None
    namespace: str | None = None
    json: bool = False
    quiet: bool = False
    verbose: bool = False
    color: bool = True
    yes: bool = False
    timeout: str | None = None

    @property
    def settings(self) -> Mapping[str, object]:
        """Those that override a setting, by its key; None where it was not given."""
        return {
            "instance": self.instance,
            "runtime": self.runtime,
            "context": self.context,
            "namespace": self.namespace,
            "timeout": self.timeout,
        }


def move_global_options_first(argv: Sequence[str]) -> list[str]:
    """Move global options to the front, so that they are also accepted after the command.

    Arguments after ``--`` are not touched, nor are those of a program that runs in a container (``run``, ``exec``, ``psql`` …): without
    ``--``, everything after such a command belongs to that program.

    Args:
        argv: Arguments without the program name.

    Returns:
        The same arguments, reordered.
    """
    front: list[str] = []
    rest: list[str] = []
    words = list(argv)
    while words:
        if own := _own(rest[0], words[0]) if rest else 0:
            rest += words[:own]
            del words[:own]
            continue
        taken = _global(words)
        if taken:
            front += words[:taken]
            del words[:taken]
        elif words[0] == "--" or _is_foreign([*rest, words[0]], words):
            return [*front, *rest, *words]
        else:
            rest.append(words.pop(0))
    return [*front, *rest]


def _own(command: str, word: str) -> int:
    """Return the number of words of an option of the command itself, 0 if it is none: ``--namespace=shop`` is one word."""
    name, has_value, _ = word.partition("=")
    taken = _OWN.get(command, {}).get(name, 0)
    return min(taken, 1) if has_value else taken


def _global(words: Sequence[str]) -> int:
    """Return the number of words of the global option at the front, 0 if there is none."""
    word = words[0]
    if word in _VALUED:
        return min(2, len(words))
    return int(word in _FLAGS or _is_short(word) or _has_its_value(word))


def _is_short(word: str) -> bool:
    """Match ``-q``, and ``-qy`` for ``-q -y``."""
    return word[:1] == "-" and len(word) > 1 and _SHORT.issuperset(word[1:])


def _has_its_value(word: str) -> bool:
    """Match ``--timeout=90`` and ``-ishop``."""
    if word.startswith("--"):
        return "=" in word and word.partition("=")[0] in _VALUED
    return len(word) > len("-i") and word[:2] in _VALUED


def _is_foreign(so_far: Sequence[str], words: Sequence[str]) -> bool:
    """Return whether the words from here on belong to another program."""
    if not so_far or so_far[0] not in _PASSING:
        return False
    ours = _PASSING[so_far[0]]
    taken = sum(word not in _THEIRS for word in so_far)
    if taken == 1:
        return ours == 0 and "--" not in words
    return taken > 1 + ours


def wants_json(arguments: Sequence[str]) -> bool:
    """Return whether ``--json`` is given, before the command line is parsed."""
    return "--json" in _front(arguments)


def may_color(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether colors are allowed, see https://no-color.org."""
    return "--no-color" not in _front(arguments) and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _front(arguments: Sequence[str]) -> list[str]:
    front: list[str] = []
    words = list(arguments)
    while words and (taken := _global(words)):
        front += words[:taken]
        del words[:taken]
    return front
