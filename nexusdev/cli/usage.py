"""Turns errors of the command line parser into usage errors with suggestions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer

from nexusdev.errors import UsageError
from nexusdev.util.nearest import nearest

# Typer has a private copy of Click. The oldest supported version does not export the base class of its command line errors, so it is found by its
# name.
ParseError: type[Exception] = next(each for each in typer.BadParameter.__mro__ if each.__name__ == "ClickException")


def explained(error: Any) -> UsageError:
    """Convert an error of the parser into a UsageError."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "nexusdev"
    if type(error).__name__ == "NoArgsIsHelpError":
        known = context.command.list_commands(context) if context is not None else []
        return UsageError(
            f"{path} needs a command",
            why=f"commands: {', '.join(known)}",
            hint="\n".join(f"{path} {name}" for name in known),
        )
    option = getattr(error, "option_name", None)
    if option and type(error).__name__ == "NoSuchOption":
        return _no_option(option, context, path)
    text = str(error.format_message()).rstrip(".").replace("\n\t", " ")
    return UsageError(text[:1].lower() + text[1:], hint=f"{path} --help")


def _no_option(option: str, context: Any, path: str) -> UsageError:
    known = [name for each in _parameters(context) for name in each.opts if name.startswith("--")]
    near = next(iter(nearest(option, known)), "")
    return UsageError(
        f"no such option: {option}",
        why=f"did you mean {near}?" if near else f"{path} has no such option",
        hint=f"{path} {near}\n{path} --help" if near else f"{path} --help",
    )


def _parameters(context: Any) -> list[Any]:
    """Return the parameters of the command and its parents."""
    found: list[Any] = []
    while context is not None:
        found += context.command.get_params(context)
        context = context.parent
    return found


def no_command(word: str, known: Iterable[str], path: str) -> UsageError:
    """Build the error for an unknown command."""
    near = next(iter(nearest(word, known)), "")
    return UsageError(
        f"no such command: {word}",
        why=f"did you mean {near}?" if near else "",
        hint=f"{path} {near}\n{path} --help" if near else f"{path} --help",
    )
