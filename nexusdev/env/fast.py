"""Answers plain ``nexusdev env`` calls with few imports; all others go to the full command.

It only answers calls whose arguments it fully supports and that succeed. For any other call and for expected failures it returns None
and prints nothing: the full command then explains the failure. It passes on a failed proof, so that the servers are not probed again.
Unexpected exceptions are raised.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from nexusdev.errors import NexusError
from nexusdev.util.home import expanded
from nexusdev.util.standard_streams import write_exactly

WITH_VALUE = {
    "-i": "instance",
    "--instance": "instance",
    "-C": "project",
    "--project": "project",
    "-f": "format",
    "--format": "format",
    "--view": "view",
}


class FailedProof(Exception):
    """Raised if a probed server did not give the expected answer.

    Attributes:
        error: The error of the proof.
        nonce: The nonce that was expected.
        values: The variables that were probed.
    """

    def __init__(self, error: NexusError, nonce: str, values: Mapping[str, str]) -> None:
        super().__init__(str(error))
        self.error = error
        self.nonce = nonce
        self.values = values


def answer(arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int | None:
    """Print the output of ``nexusdev ARGUMENTS…`` and return 0; None if the quick path does not support the arguments.

    Raises:
        FailedProof: An endpoint did not give the expected answer. Nothing was printed.
    """
    call = understood(arguments)
    if call is None:
        return None
    try:
        text = _text(call, environ)
    except (NexusError, LookupError, OSError):  # the full command explains it
        return None
    try:
        write_exactly(text)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def understood(arguments: Sequence[str]) -> dict[str, str] | None:
    """Return the options of a supported ``env`` call; None for any other."""
    call = {"proof": "yes"}
    words = iter(arguments)
    command = ""
    for word in words:
        option, equals, value = word.partition("=")
        if word == "env" and not command:
            command = word
        elif word == "--no-proof":
            call["proof"] = ""
        elif option in WITH_VALUE and (not equals or option.startswith("--")):
            given = value if equals else next(words, "")
            if not given or given.startswith("-"):
                return None
            call[WITH_VALUE[option]] = given
        else:
            return None
    return call if command else None


def _text(call: Mapping[str, str], environ: Mapping[str, str]) -> str:
    from nexusdev.env import formats, stored
    from nexusdev.instance import trust
    from nexusdev.instance.paths import folder_of, state_root

    style = call.get("format", "dotenv")
    if style == "github":
        raise LookupError("the full command masks the secrets as well")
    name = _instance(call, environ)
    folder = folder_of(state_root(environ), name)
    if stored.expected(folder):
        raise LookupError("the full command says what is missing")
    if not trust.is_current(folder / "client", folder / "tls" / "ca.crt", environ=environ):
        raise LookupError("the full command renews the bundle")
    if call.get("view") == "container" and sys.stderr.isatty():
        raise LookupError("the full command tells how to mount the client files")
    kept = stored.read(folder)
    if call["proof"]:
        from nexusdev.components.registry import published_endpoints
        from nexusdev.env.proof import prove

        values = kept.views["host"]
        try:
            prove(published_endpoints(kept.components, values), values, instance=name, nonce=kept.nonce)
        except NexusError as error:
            raise FailedProof(error, kept.nonce, values) from error
    return formats.render(kept.views[call.get("view", "host")], style, instance=name, environ=environ)


def _may_exist(file: Path) -> bool:
    """Return whether a settings file exists or cannot be seen, about which reading it then says more."""
    try:
        return file.exists()
    except OSError:
        return True


def _instance(call: Mapping[str, str], environ: Mapping[str, str]) -> str:
    from nexusdev.instance.naming import checked_name, find_project, has_table, name_of
    from nexusdev.instance.paths import state_root

    project = find_project(Path(call.get("project", ".")))
    if name := call.get("instance") or environ.get("NEXUSDEV_INSTANCE"):
        return checked_name(name)
    config = expanded(environ.get("XDG_CONFIG_HOME") or "~/.config") / "nexusdev" / "config.toml"
    files = (project / "nexusdev.toml", config)
    if any(map(_may_exist, files)) or has_table(project / "pyproject.toml"):
        from nexusdev import settings

        if name := settings.load(project, environ=environ).instance:
            return name
    return name_of(project, state_root(environ))
