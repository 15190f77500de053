"""Splits a seed file into messages to the server, as psql does: SQL, and the data that follows ``COPY … FROM stdin``.

``pg_dump`` writes such files. Of psql's own commands it uses ``\\restrict`` and ``\\unrestrict``, which only forbid psql all the others. Here
all the others are an error with their line. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from nexusdev.components.postgres.statements import Token, next_token

_FROM_STDIN = re.compile(r"COPY\b.*\bFROM\s+STDIN\b", re.IGNORECASE | re.DOTALL)
_NEEDS_PSQL = re.compile(r"\\|\bFROM\s+STDIN\b", re.IGNORECASE)
_END_OF_DATA = re.compile(r"^\\\.\r?(?:\n|\Z)", re.MULTILINE)
_HARMLESS = ("\\restrict", "\\unrestrict")


class Chunk(Struct, frozen=True, kw_only=True):
    """One message.

    Attributes:
        start: Where its SQL begins in the file, in characters.
        sql: Statements; if there is data, the last one is the COPY that reads it.
        data: What the COPY reads; None if the message has no COPY.
        data_start: Where the data begins in the file.
    """

    start: int
    sql: str
    data: str | None = None
    data_start: int = 0


class UnknownCommand(ValueError):
    """A command of psql that seeding does not know.

    Attributes:
        at: Where it begins in the file, in characters.
    """

    def __init__(self, command: str, at: int) -> None:
        super().__init__(f"{command} is a command of psql and not SQL")
        self.at = at


def chunks(text: str) -> Sequence[Chunk]:
    """Split a file.

    Args:
        text: The file's content.

    Returns:
        The messages in their order; one for a file of plain SQL.

    Raises:
        UnknownCommand: The file has another command of psql than ``\\restrict`` and ``\\unrestrict``.
    """
    return tuple(_split(text)) if _NEEDS_PSQL.search(text) else (Chunk(start=0, sql=text),)


def _split(text: str) -> Iterator[Chunk]:
    start = at = 0
    first: int | None = None
    while at < len(text):
        token, end = next_token(text, at)
        if token is Token.BACKSLASH:
            end = _line_end(text, at)
            text = _without_command(text, at, end)
        elif token is Token.END:
            if first is not None and _FROM_STDIN.match(text, first, end):
                begin, stop, end = _data(text, end)
                yield Chunk(start=start, sql=text[start:begin], data=text[begin:stop], data_start=begin)
                start = end
            first = None
        elif token is Token.OTHER and first is None:
            first = at
        at = end
    if text[start:].strip():
        yield Chunk(start=start, sql=text[start:])


def _without_command(text: str, at: int, end: int) -> str:
    """The text with blanks instead of a harmless command, so that every other offset stays."""
    command = text[at:end].split(maxsplit=1)[0]
    if command not in _HARMLESS:
        raise UnknownCommand(command, at)
    return text[:at] + " " * (end - at) + text[end:]


def _data(text: str, after: int) -> tuple[int, int, int]:
    """Return where the data of a COPY begins and ends, and where the file continues."""
    begin = min(_line_end(text, after) + 1, len(text))
    mark = _END_OF_DATA.search(text, begin)
    return (begin, mark.start(), mark.end()) if mark else (begin, len(text), len(text))


def _line_end(text: str, at: int) -> int:
    found = text.find("\n", at)
    return len(text) if found < 0 else found
