"""Parses a YAML file into a tree of values with their file and line. No other core module imports yaml.

Anchors, aliases and merge keys are resolved, variables are interpolated, duplicate keys are rejected. ``schema`` interprets the values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml

from nexusdev.errors import InvalidConfig
from nexusdev.stack.interpolation import BadVariable, interpolate
from nexusdev.util.nearest import nearest

# libyaml parses the stack ten times faster; pure Python is used if the wheel has no extension.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_TAG = "tag:yaml.org,2002:merge"


# Named tuples: a stack has thousands of them, and they are created five times faster than frozen dataclasses.
class SourcePosition(NamedTuple):
    """A position in a file: the file, the line from 1, and the path of keys that leads to it."""

    file: Path
    line: int
    path: str = ""

    def below(self, key: str, line: int) -> SourcePosition:
        return SourcePosition(file=self.file, line=line, path=f"{self.path}.{key}" if self.path else key)

    def at(self, line: int) -> SourcePosition:
        return SourcePosition(file=self.file, line=line, path=self.path)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f": {self.path}" if self.path else "")


Kind = Literal["str", "int", "float", "bool", "null"]
_KINDS = frozenset(get_args(Kind))


class Scalar(NamedTuple):
    """A text after interpolation. ``kind`` is the YAML type of the plain word."""

    position: SourcePosition
    text: str
    kind: Kind


class SequenceNode(NamedTuple):
    """A list."""

    position: SourcePosition
    items: tuple[Value, ...]


class MappingNode(NamedTuple):
    """A mapping; ``keys`` has the position of each key."""

    position: SourcePosition
    items: Mapping[str, Value]
    keys: Mapping[str, SourcePosition]


Value = Scalar | SequenceNode | MappingNode


def config_error(
    position: SourcePosition,
    problem: str,
    *,
    allowed: Sequence[str] = (),
    near: str = "",
    why: str = "",
    hint: str = "",
) -> InvalidConfig:
    """Return the error with file, line, key, the allowed values, and a suggestion.

    Args:
        position: Where the error is.
        problem: What is wrong, without the position.
        allowed: The allowed values; empty if they cannot be listed.
        near: The invalid word, for the suggestion of the most similar allowed value; '' for no suggestion.
        why: An explanation, printed before the allowed values; '' for none.
        hint: What to type or write instead; '' for the suggestion.
    """
    matches = nearest(near, allowed)
    reasons = [why] if why else []
    if allowed:
        reasons.append(f"allowed here: {', '.join(allowed)}")
    return InvalidConfig(
        f"{position}: {problem}",
        why="; ".join(reasons),
        hint=hint or (f"did you mean {matches[0]}?" if matches else ""),
        evidence=_line(position),
    )


def _line(position: SourcePosition) -> tuple[str, ...]:
    try:
        written = position.file.read_text(encoding="utf-8").splitlines()[position.line - 1]
    except (OSError, IndexError, UnicodeDecodeError):
        return ()
    return (f"{position.file.name}:{position.line} | {written.strip()}",)


def read(file: Path, environment: Mapping[str, str] | None) -> MappingNode:
    """Read one YAML file.

    Args:
        file: The file.
        environment: Variable → value, for ``${…}``; None if a dollar has no special meaning.

    Raises:
        InvalidConfig: The file is missing, unreadable, no YAML or no mapping, or a variable has no value.
    """
    start = SourcePosition(file=file, line=1)
    try:
        node = yaml.compose(file.read_bytes(), Loader=_Loader)
    except OSError as error:
        raise InvalidConfig(
            f"failed to read {file}", why=error.strerror or str(error), hint=f"ls -l {file.parent}"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f" (column {mark.column + 1})" if mark else ""
        raise config_error(
            start.at(mark.line + 1 if mark else 1), f"invalid YAML: {error.problem or error.context}{column}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise config_error(start, f"invalid YAML: {error}") from error
    if node is None:
        return MappingNode(position=start, items={}, keys={})
    value = _Builder(environment).value(node, start.at(node.start_mark.line + 1))
    if not isinstance(value, MappingNode):
        raise config_error(value.position, "the top level must be a mapping")
    return value


class _Builder:
    """Converts YAML nodes to values. Tracks the current nodes to detect an alias inside itself."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        self._environment = environment
        self._open: set[int] = set()

    def value(self, node: yaml.Node, position: SourcePosition) -> Value:
        if id(node) in self._open:
            raise config_error(position, "an alias contains itself")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, position)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, position)
            return self._scalar(node, position)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: Any, position: SourcePosition) -> Scalar:
        kind: Any = node.tag.rpartition(":")[2]
        try:
            text = node.value if self._environment is None else interpolate(node.value, self._environment)
        except BadVariable as error:
            lines = node.value.count("\n", 0, error.offset) + (1 if node.style in ("|", ">") else 0)
            raise config_error(position.at(position.line + lines), str(error), hint=error.hint) from error
        if kind not in _KINDS:
            raise config_error(
                position,
                f"found a {kind}",
                why="use strings, numbers, true and false",
                hint=f'write "{node.value}"',
            )
        return Scalar(position=position, text=text, kind=kind)

    def _sequence(self, node: yaml.SequenceNode, position: SourcePosition) -> SequenceNode:
        return SequenceNode(
            position=position,
            items=tuple(
                self.value(item, SourcePosition(position.file, item.start_mark.line + 1, f"{position.path}[{index}]"))
                for index, item in enumerate(node.value)
            ),
        )

    def _mapping(self, node: yaml.MappingNode, position: SourcePosition) -> MappingNode:
        items: dict[str, Value] = {}
        keys: dict[str, SourcePosition] = {}
        merged: list[MappingNode] = []
        for key_node, value_node in node.value:
            here = position.below(str(key_node.value), key_node.start_mark.line + 1)
            if key_node.tag == _MERGE_TAG:
                merged += self._merged(value_node, position)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise config_error(position.at(here.line), "a key must be a plain scalar")
            if key_node.value in items:
                raise config_error(here, "is duplicated", why=f"first in line {keys[key_node.value].line}")
            keys[key_node.value] = here
            items[key_node.value] = self.value(value_node, here)
        for table in merged:  # explicit keys win, then the earlier of several merged mappings
            items = {**table.items, **items}
            keys = {**table.keys, **keys}
        return MappingNode(position=position, items=items, keys=keys)

    def _merged(self, node: yaml.Node, position: SourcePosition) -> list[MappingNode]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        tables = []
        for source in sources:
            value = self.value(source, position.at(source.start_mark.line + 1))
            if not isinstance(value, MappingNode):
                raise config_error(position.at(node.start_mark.line + 1), "<<: takes a mapping, or a list of mappings")
            tables.append(value)
        return tables
