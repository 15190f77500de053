"""Results and errors as lines of text: pure, for any width from 40 columns up, with or without colour."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from msgspec import Struct

from nexusdev.cli.output import Cell, OutputBlock, Plot, Style, Table, Text
from nexusdev.errors import NexusError

UNBOUNDED = 10_000
_CODES: dict[Style, str] = {"good": "32", "bad": "31", "warn": "33", "dim": "2", "strong": "1"}
_GAP = "  "
_LABEL = 12
_ERROR_WIDTH = 100


class Page(Struct, frozen=True, kw_only=True):
    """The maximum width of lines, whether they may have colours, and whether they are shown on a terminal."""

    width: int = 80
    color: bool = False
    terminal: bool = False

    def paint(self, text: str, style: Style) -> str:
        """The text in the colour of its mood."""
        code = _CODES.get(style) if self.color and text.strip() else None
        return f"\x1b[{code}m{text}\x1b[0m" if code else text


def blocks(output: Sequence[OutputBlock], page: Page) -> Iterator[str]:
    """The lines of the blocks."""
    for block in output:
        match block:
            case Table():
                yield from table(block, page)
            case Plot():
                from nexusdev.cli.plot import plot

                yield from plot(block, page)
            case Text():
                yield from (page.paint(line, block.style) for line in wrapped(block.text, page.width))
            case _:
                yield from wrapped(block, page.width)


def table(block: Table, page: Page) -> Iterator[str]:
    """Aligned columns where they fit; the last one wraps where only that helps; otherwise a small block per row."""
    if not block.rows:
        return
    widths = _widths(block)
    fixed = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    if fixed + widths[-1] <= page.width:
        yield from _aligned(block, widths, page)
    elif page.width - fixed >= max(20, page.width // 4):
        yield from _aligned(block, [*widths[:-1], page.width - fixed], page)
    else:
        yield from _stacked(block, page)


def width(block: Table) -> int:
    """How wide a page must be for the table not to wrap."""
    return sum(_widths(block)) + len(_GAP) * (len(block.columns) - 1)


def _widths(block: Table) -> list[int]:
    return [max((len(heading), *(len(str(row[at])) for row in block.rows))) for at, heading in enumerate(block.columns)]


def _aligned(block: Table, widths: Sequence[int], page: Page) -> Iterator[str]:
    yield from _row([Text(heading, "dim") for heading in block.columns], widths, page)
    for row in block.rows:
        yield from _row(row, widths, page)


def _row(row: Sequence[Cell], widths: Sequence[int], page: Page) -> Iterator[str]:
    *heads, last = row
    lead = "".join(_painted(cell, width, page) + _GAP for cell, width in zip(heads, widths, strict=False))
    indent = " " * (sum(widths[:-1]) + len(_GAP) * (len(widths) - 1))
    for number, line in enumerate(wrapped(str(last), widths[-1]) or [""]):
        yield (indent if number else lead).ljust(0) + _painted(_like(last, line), 0, page)


def _stacked(block: Table, page: Page) -> Iterator[str]:
    label = max(len(heading) for heading in block.columns[1:])
    for row in block.rows:
        yield _painted(row[0], 0, page)
        for heading, cell in zip(block.columns[1:], row[1:], strict=True):
            lines = wrapped(str(cell), max(page.width - label - 4, 10))
            for number, line in enumerate(lines if str(cell) else []):
                name = page.paint((heading if number == 0 else "").ljust(label), "dim")
                yield f"  {name}  {_painted(_like(cell, line), 0, page)}"


def _like(cell: Cell, text: str) -> Cell:
    return Text(text, cell.style) if isinstance(cell, Text) else text


def _painted(cell: Cell, width: int, page: Page) -> str:
    padded = str(cell).ljust(width)
    return page.paint(padded, cell.style) if isinstance(cell, Text) else padded


def wrapped(text: str, width: int) -> list[str]:
    """Lines of at most ``width``, broken between words, or inside one that is longer; indents are kept."""
    lines: list[str] = []
    for line in text.split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        lines += (
            textwrap.wrap(line, width, subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True)
            if len(line) > width
            else [line]
        )
    return lines


def error(failure: NexusError, page: Page) -> Iterator[str]:
    """The four parts of an error: what, why, evidence, next; its code at the right."""
    yield from _headline(failure, page)
    parts = (("why", wrapped_list([failure.why], page)), ("evidence", wrapped_list(failure.evidence, page)))
    for label, lines in (*parts, ("next", list(_hints(failure.hint, page)))):
        for number, line in enumerate(lines):
            yield f"  {page.paint((label if number == 0 else '').ljust(_LABEL - 2), 'dim')}{line}"


def _headline(failure: NexusError, page: Page) -> Iterator[str]:
    width = min(page.width, _ERROR_WIDTH)
    lines = wrapped(f"Error: {failure.message}", width)
    room = width - len(lines[-1]) - len(failure.code)
    code = page.paint(failure.code, "dim")
    if room >= 2:  # noqa: PLR2004 - a visible gap
        lines[-1] += " " * room + code
    else:
        lines.append(" " * max(width - len(failure.code), 0) + code)
    if page.color:
        lines[0] = lines[0].replace("Error:", page.paint("Error:", "bad"), 1)
    yield from lines


def wrapped_list(texts: Sequence[str], page: Page) -> list[str]:
    """Each text wrapped to what is left beside the labels of an error."""
    return [line for text in texts if text for line in wrapped(text, max(page.width - _LABEL, 20))]


def _hints(hint: str, page: Page) -> Iterator[str]:
    """Commands to type, what they do beside or below them: aligned where they fit."""
    pairs = [_pair(line) for line in hint.split("\n") if line.strip()]
    widest = max((len(command) for command, meaning in pairs if meaning), default=0)
    for command, meaning in pairs:
        if _LABEL + widest + 3 + len(meaning) <= page.width and meaning:
            yield f"{page.paint(command.ljust(widest), 'strong')}   {meaning}"
        else:
            lines = wrapped(command, max(page.width - _LABEL, 20))
            yield from (page.paint(line, "strong") for line in lines)
            yield from (f"  {line}" for line in wrapped(meaning, max(page.width - _LABEL - 2, 18)) if line)


def _pair(line: str) -> tuple[str, str]:
    command, _, meaning = re.sub(r" {2,}", "\0", line.strip(), count=1).partition("\0")
    return command, meaning
