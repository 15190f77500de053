"""The subset of Dockerfiles that the build folders use, as frozen stages.

Accepted: ARG before the first FROM (NAME=nexusdev/<image>:local), FROM ${NAME} [AS stage], RUN (shell form), COPY, ENV, USER,
WORKDIR or ENTRYPOINT (a JSON list). Any other instruction is rejected, never ignored. Docker can build the same files.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.errors import InvalidConfig

ALLOWED = ("ARG", "FROM", "RUN", "COPY", "ENV", "USER", "WORKDIR", "ENTRYPOINT")

_PARENT = re.compile(r"nexusdev/([a-z][a-z0-9-]*):local")
_FROM = re.compile(r"\$\{(\w+)\}(?:\s+AS\s+([a-z][a-z0-9-]*))?", re.IGNORECASE)


class RunInstruction(Struct, frozen=True, kw_only=True):
    """A script for /bin/sh."""

    script: str

    def __str__(self) -> str:
        return f"RUN {' '.join(self.script.split())}"


class Copy(Struct, frozen=True, kw_only=True):
    """Copies files into the folder ``target``, from the build folder or from ``stage``. Owned by root, mode 0644 or as in the stage."""

    files: tuple[str, ...]
    target: str
    stage: str = ""

    def __str__(self) -> str:
        return f"COPY {' '.join(self.files)} → {self.target}"


class Set(Struct, frozen=True, kw_only=True):
    """ENV, USER, WORKDIR or ENTRYPOINT: applies to the following instructions and to the image."""

    what: str
    name: str = ""
    value: str

    def __str__(self) -> str:
        return f"{self.what} {self.name}{'=' if self.name else ''}{self.value}"


Instruction = RunInstruction | Copy | Set


class Stage(Struct, frozen=True, kw_only=True):
    """One FROM with its instructions. ``parent``: the lockfile name of its base image."""

    parent: str
    name: str = ""
    instructions: tuple[Instruction, ...] = ()


class Dockerfile(Struct, frozen=True, kw_only=True):
    """A whole Dockerfile; the last stage is the image."""

    stages: tuple[Stage, ...]

    @property
    def parents(self) -> tuple[str, ...]:
        """The lockfile names of the base images, without duplicates, in order."""
        return tuple(dict.fromkeys(stage.parent for stage in self.stages))


def parse(file: Path) -> Dockerfile:
    """Read a Dockerfile. Raises InvalidConfig with file and line for instructions outside the supported subset."""
    return _Parser(file).recipe()


class _Parser:
    def __init__(self, file: Path) -> None:
        self._file = file
        self._arguments: dict[str, str] = {}
        self._stages: list[Stage] = []

    def recipe(self) -> Dockerfile:
        for line, text in _logical_lines(self._file.read_text(encoding="utf-8")):
            word, _, rest = text.partition(" ")
            self._take(line, word, rest.strip())
        if not self._stages:
            raise self._refuse(1, "FROM is missing")
        return Dockerfile(stages=tuple(self._stages))

    def _take(self, line: int, word: str, rest: str) -> None:
        match word:
            case "ARG":
                self._argument(line, rest)
            case "FROM":
                self._from(line, rest)
            case _ if word not in ALLOWED:
                raise self._refuse(line, f"{word} is not supported", why=f"allowed here: {', '.join(ALLOWED)}")
            case _ if not self._stages:
                raise self._refuse(line, f"{word} is not allowed before the first FROM")
            case _:
                stage = self._stages[-1]
                added = (*stage.instructions, self._instruction(line, word, rest))
                self._stages[-1] = replace(stage, instructions=added)

    def _argument(self, line: int, rest: str) -> None:
        name, _, default = rest.partition("=")
        found = _PARENT.fullmatch(default)
        if self._stages or not found:
            raise self._refuse(
                line, "ARG must name a base image, before the first FROM", why="ARG BASE=nexusdev/base:local"
            )
        self._arguments[name] = found[1]

    def _from(self, line: int, rest: str) -> None:
        found = _FROM.fullmatch(rest)
        if not found or found[1] not in self._arguments:
            raise self._refuse(
                line, "FROM must use one of the arguments above", why="FROM ${BASE}, or FROM ${BASE} AS build"
            )
        self._stages.append(Stage(parent=self._arguments[found[1]], name=found[2] or ""))

    def _instruction(self, line: int, word: str, rest: str) -> Instruction:
        match word:
            case "RUN":
                return RunInstruction(script=rest)
            case "COPY":
                return self._copy(line, rest)
            case "ENV":
                name, _, value = shlex.split(rest)[0].partition("=") if rest else ("", "", "")
                if not name or len(shlex.split(rest)) != 1:
                    raise self._refuse(line, "ENV must set one NAME=value")
                return Set(what="ENV", name=name, value=value)
            case "ENTRYPOINT" if not _is_json_list(rest):
                raise self._refuse(line, "ENTRYPOINT must be a JSON list")
            case _:
                return Set(what=word, value=rest)

    def _copy(self, line: int, rest: str) -> Copy:
        words = rest.split()
        stage = words.pop(0).removeprefix("--from=") if words and words[0].startswith("--from=") else ""
        if len(words) < 2 or not words[-1].endswith("/"):  # noqa: PLR2004 - at least one file and a folder
            raise self._refuse(line, "COPY needs files and a target folder that ends with /")
        if stage and stage not in {earlier.name for earlier in self._stages[:-1]}:
            raise self._refuse(line, f"unknown stage {stage}")
        return Copy(files=tuple(words[:-1]), target=words[-1], stage=stage)

    def _refuse(self, line: int, problem: str, why: str = "") -> InvalidConfig:
        return InvalidConfig(f"{self._file}:{line}: {problem}", why=why)


def _is_json_list(text: str) -> bool:
    try:
        words = json.loads(text)
    except ValueError:
        return False
    return isinstance(words, list) and all(isinstance(word, str) for word in words)


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the instructions with their first line number. Comments are dropped, and lines that end in a backslash are joined."""
    begun, gathered = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        begun = begun or number
        gathered += line.strip()
        if gathered.endswith("\\"):
            gathered = gathered[:-1].rstrip() + " "
            continue
        yield begun, gathered
        begun, gathered = 0, ""
    if gathered:
        yield begun, gathered
