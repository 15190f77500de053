"""Splits SQL text into statements: semicolons in strings, quoted names, dollar-quoted bodies and comments do not count."""

from __future__ import annotations

import re
from collections.abc import Sequence

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
    | (?P<end>;)
    | \w+
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


def starts(text: str) -> Sequence[int]:
    """The offsets of the first character of every statement."""
    found: list[int] = []
    open_statement = False
    at = 0
    while token := _TOKEN.match(text, at):
        if token["comment"]:
            at = _after_comment(text, at)
            continue
        if token["end"]:
            open_statement = False
        elif not token["blank"] and not open_statement:
            found.append(at)
            open_statement = True
        at = token.end()
    return found


def _after_comment(text: str, at: int) -> int:
    """The end of a block comment; they nest."""
    depth = 0
    for mark in _COMMENT.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)
