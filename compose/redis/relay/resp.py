"""RESP, the wire format of Redis: values of both versions (2 and 3), read from a stream with a bound, and written back.

Not here: the streamed types of RESP3 (``$?``, ``*?``), which no server sends.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TypeAlias

MAX_LINE = 64 * 1024
MAX_VALUE = 4 * 1024 * 1024
MAX_DEPTH = 16

LINES = b"+-:,#(_"
TEXTS = b"$=!"
LISTS = b"*~>%|"
PAIRS = b"%|"


class ProtocolError(Exception):
    """Bytes that are no RESP, or more of them than the relay is willing to hold."""


@dataclass(frozen=True)
class Line:
    """A one-line value: ``+OK``, ``-ERR …``, ``:1``, ``,1.5``, ``#t``, ``(123``, ``_``; also the RESP2 nulls ``$-1`` and ``*-1``."""

    kind: bytes
    text: bytes


@dataclass(frozen=True)
class Text:
    """A string with its length: bulk ``$``, verbatim ``=``, error ``!``."""

    kind: bytes
    text: bytes


@dataclass(frozen=True)
class Items:
    """An aggregate: array ``*``, set ``~``, push ``>``, map ``%``, attribute ``|`` (both with two items to an entry)."""

    kind: bytes
    items: tuple[Value, ...] = ()


Value: TypeAlias = "Line | Text | Items"


@dataclass
class Parser:
    """Reads values from a stream, each of at most MAX_VALUE bytes with all that is in it."""

    stream: asyncio.StreamReader
    left: int = 0

    async def read(self) -> Value:
        """One whole value. ``EOFError`` at the end of the stream, ``ProtocolError`` for what is no RESP or too large."""
        self.left = MAX_VALUE
        return await self._value(0)

    async def _value(self, depth: int) -> Value:
        line = await self._line()
        kind, rest = line[:1], line[1:]
        if not kind or kind not in LINES + TEXTS + LISTS:
            raise ProtocolError(f"no RESP type: {line[:20]!r}")
        if kind in LINES or rest == b"-1":
            return Line(kind, rest)
        if kind in TEXTS:
            return Text(kind, await self._text(self._size(rest)))
        if depth >= MAX_DEPTH:
            raise ProtocolError("nested too deeply")
        count = self._size(rest) * (2 if kind in PAIRS else 1)
        return Items(kind, tuple([await self._value(depth + 1) for _ in range(count)]))

    async def _line(self) -> bytes:
        try:
            line = await self.stream.readuntil(b"\r\n")
        except asyncio.IncompleteReadError as error:
            raise EOFError from error
        except asyncio.LimitOverrunError as error:
            raise ProtocolError("a line without an end") from error
        self._spend(len(line))
        return line[:-2]

    async def _text(self, size: int) -> bytes:
        self._spend(size)
        try:
            text = await self.stream.readexactly(size + 2)
        except asyncio.IncompleteReadError as error:
            raise EOFError from error
        if text[-2:] != b"\r\n":
            raise ProtocolError("a string is longer than it says")
        return text[:-2]

    def _size(self, digits: bytes) -> int:
        """A length that can still fit: no item is shorter than a byte."""
        if not re.fullmatch(rb"\d{1,9}", digits) or int(digits) > self.left:
            raise ProtocolError(f"no acceptable length: {digits[:20]!r}")
        return int(digits)

    def _spend(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise ProtocolError(f"a value of more than {MAX_VALUE} bytes")


def encode(value: Value) -> bytes:
    """The bytes of a value; the inverse of ``Parser.read``."""
    if isinstance(value, Line):
        return b"%s%s\r\n" % (value.kind, value.text)
    if isinstance(value, Text):
        return b"%s%d\r\n%s\r\n" % (value.kind, len(value.text), value.text)
    count = len(value.items) // (2 if value.kind in PAIRS else 1)
    return b"%s%d\r\n%s" % (value.kind, count, b"".join(map(encode, value.items)))
