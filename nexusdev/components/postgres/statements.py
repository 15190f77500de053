"""Splits SQL text into statements: semicolons in strings, quoted names, dollar-quoted bodies and comments do not count."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping, Sequence

_TOKEN = re.compile(
    r"""
      (?P<blank>\s+ | --[^\n]*)
    | (?P<comment>/\*)
    | [eE]'(?:[^'\\]|\\.|'')*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?P<tag>\$(?:[A-Za-z_]\w*)?\$).*?(?P=tag)
    | (?P<end>;)
    | (?P<backslash>\\)
    | \w+
    | .
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")


class Token(enum.Enum):
    """What a token means for the structure of a file."""

    BLANK = enum.auto()
    END = enum.auto()
    BACKSLASH = enum.auto()
    OTHER = enum.auto()


_KINDS: Mapping[str | None, Token] = {"blank": Token.BLANK, "end": Token.END, "backslash": Token.BACKSLASH}


def next_token(text: str, at: int) -> tuple[Token, int]:
    """Return the token that begins at this offset, and the offset behind it, where ``text`` continues."""
    found = _TOKEN.match(text, at)
    if found is None or found.lastgroup == "comment":
        return Token.BLANK, _after_comment(text, at)
    return _KINDS.get(found.lastgroup, Token.OTHER), found.end()


def starts(text: str) -> Sequence[int]:
    """The offsets of the first character of every statement."""
    found: list[int] = []
    open_statement = False
    at = 0
    while at < len(text):
        token, end = next_token(text, at)
        if token is Token.END:
            open_statement = False
        elif token is not Token.BLANK and not open_statement:
            found.append(at)
            open_statement = True
        at = end
    return found


def _after_comment(text: str, at: int) -> int:
    """The end of a block comment; they nest."""
    depth = 0
    for mark in _COMMENT.finditer(text, at):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)
