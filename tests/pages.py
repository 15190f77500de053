"""Pages of the documentation that can be run: their files, what they install, and their commands with the output that they state. Pure.

The info string of a fenced block says what the block is:

    ```python app.py    a file; its name follows the language
    ```sh               what is installed once; files above this block exist then, files below it do not
    ```console          commands after ``$ ``, each followed by the lines that it prints; all of them run in one shell

In the output, ``…`` is any text, and a line ``…`` is any number of lines. A command that ends with ``&`` runs in the background.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_BLOCK = re.compile(r"^```(\w+)[ ]*(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command and the lines that the page says it prints."""

    text: str
    output: tuple[str, ...] = ()

    @property
    def background(self) -> bool:
        """Whether the page leaves it running."""
        return self.text.endswith("&")


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page as a test runs it. ``before``: files that the installation needs; ``files``: all files."""

    before: Mapping[str, str]
    files: Mapping[str, str]
    install: str
    commands: tuple[Command, ...]

    @property
    def digest(self) -> str:
        """Changes when something else is installed."""
        parts = [self.install, *(f"{name}\n{text}" for name, text in sorted(self.before.items()))]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def read(text: str) -> Page:
    """The runnable parts of a page.

    Args:
        text: Markdown.

    Returns:
        The page's files, installation and commands.

    Raises:
        ValueError: A block has no command or no language, or a file is there twice.
    """
    if unknown := re.findall(r"^```\n(?!\n)(.*)", _BLOCK.sub("", text), flags=re.MULTILINE):
        raise ValueError(f"a block without a language: {unknown[0]}")
    files: dict[str, str] = {}
    before: dict[str, str] = {}
    install: list[str] = []
    commands: list[Command] = []
    for language, name, body in _BLOCK.findall(text):
        if name:
            if name in files:
                raise ValueError(f"{name} is there twice")
            files[name] = body
        elif language == "sh":
            install.append(body)
            before = dict(files)
        elif language == "console":
            commands.extend(_commands(body))
    return Page(before=before, files=files, install="".join(install), commands=tuple(commands))


def _commands(body: str) -> Iterator[Command]:
    first, *rest = re.split(r"^\$ ", body, flags=re.MULTILINE)
    if first.strip() or not rest:
        raise ValueError(f"a console block begins with '$ ': {first}")
    for part in rest:
        lines = part.rstrip("\n").split("\n")
        count = next(number for number, line in enumerate(lines, 1) if not line.endswith("\\"))
        yield Command(text="\n".join(lines[:count]), output=tuple(lines[count:]))


def says(output: tuple[str, ...], printed: str) -> bool:
    """Whether a command printed what the page states.

    Args:
        output: The lines of the page.
        printed: The command's standard output.

    Returns:
        True where each line is as stated; a page that states nothing fits everything.
    """
    if not output:
        return True
    lines = (r"(?:.*\n)*?" if line == "…" else f"{_line(line)}\n" for line in output)
    return re.fullmatch("".join(lines), printed.rstrip("\n") + "\n") is not None


def _line(line: str) -> str:
    return ".*".join(re.escape(part) for part in line.split("…"))
