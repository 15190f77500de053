"""Interpolates ``${NAME}`` in compose files as Compose does, but an unset variable without default is an error. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

_BODY = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?:(?P<operator>:?[-?])(?P<rest>.*))?", re.DOTALL)


class BadVariable(ValueError):
    """A reference that cannot be resolved. ``offset``: characters from the start of the text."""

    def __init__(self, problem: str, *, offset: int, hint: str = "") -> None:
        super().__init__(problem)
        self.offset = offset
        self.hint = hint


def interpolate(text: str, environment: Mapping[str, str]) -> str:
    """Replace ``${V}``, ``${V:-d}``, ``${V-d}``, ``${V:?e}``, ``${V?e}`` and ``$$``. Defaults may contain further references.

    Args:
        text: A value of a compose file.
        environment: Variable → value.

    Raises:
        BadVariable: A reference is malformed, or a required variable has no value.
    """
    parts: list[str] = []
    position = 0
    while (at := text.find("$", position)) >= 0:
        parts.append(text[position:at])
        value, position = _reference(text, at, environment)
        parts.append(value)
    return "".join((*parts, text[position:]))


def _reference(text: str, at: int, environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the value of the reference at ``at``, and the offset after it."""
    following = text[at + 1 : at + 2]
    if following == "$":
        return "$", at + 2
    if following != "{":
        raise BadVariable(
            "a single $ is ambiguous",
            offset=at,
            hint="use ${NAME} for a variable, $$ for a dollar sign",
        )
    end = _closing_brace(text, at)
    body = text[at + 2 : end]
    matched = _BODY.fullmatch(body)
    if matched is None:
        raise BadVariable(
            f"invalid variable ${{{body}}}",
            offset=at,
            hint="allowed: ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?error}, $$",
        )
    try:
        return _value(matched["name"], matched["operator"] or "", matched["rest"] or "", environment), end + 1
    except BadVariable as error:
        raise BadVariable(str(error), offset=at, hint=error.hint) from error


def _closing_brace(text: str, at: int) -> int:
    depth = 0
    for index in range(at + 1, len(text)):
        if text[index] == "{" and text[index - 1] == "$":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if depth == 0:
                return index
    raise BadVariable("${ is never closed", offset=at, hint="use ${NAME}")


def _value(name: str, operator: str, rest: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name)
    if value or (value is not None and not operator.startswith(":")):
        return value
    if operator.endswith("-"):
        return interpolate(rest, environment)
    if operator.endswith("?"):
        raise BadVariable(interpolate(rest, environment) or f"{name} is not set", offset=0, hint=f"set {name}")
    if value is not None:
        return value
    raise BadVariable(
        f"{name} is not set and has no default", offset=0, hint=f"set {name}, or use ${{{name}:-default}}"
    )
