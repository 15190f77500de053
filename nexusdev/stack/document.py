"""A YAML file as a tree of values that know where they were written; the one home of yaml in the core.

Anchors, aliases and merge keys are resolved, variables are interpolated, doubled keys are refused. What the values mean is
``schema``'s business.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import yaml

from nexusdev.errors import InvalidConfig
from nexusdev.stack.interpolation import BadVariable, interpolate

# libyaml reads the stack ten times as fast; pure Python where the wheel has no extension.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE_TAG = "tag:yaml.org,2002:merge"


# Named tuples: a stack has thousands of them, and they are made five times as fast as frozen dataclasses.
class Spot(NamedTuple):
    """Where something is written: file, line from 1, and the path of keys that leads to it."""

    file: Path
    line: int
    path: str = ""

    def below(self, key: str, line: int) -> Spot:
        return Spot(file=self.file, line=line, path=f"{self.path}.{key}" if self.path else key)

    def at(self, line: int) -> Spot:
        return Spot(file=self.file, line=line, path=self.path)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f": {self.path}" if self.path else "")


Kind = Literal["str", "int", "float", "bool", "null"]
_KINDS = frozenset(get_args(Kind))


class Scalar(NamedTuple):
    """A text after interpolation. ``kind`` is what YAML takes the plain word for."""

    spot: Spot
    text: str
    kind: Kind


class Row(NamedTuple):
    """A list."""

    spot: Spot
    items: tuple[Value, ...]


class Table(NamedTuple):
    """A mapping; ``keys`` tells where each key is written."""

    spot: Spot
    items: Mapping[str, Value]
    keys: Mapping[str, Spot]


Value = Scalar | Row | Table


def refusal(
    spot: Spot, problem: str, *, allowed: Sequence[str] = (), near: str = "", why: str = "", hint: str = ""
) -> InvalidConfig:
    """The error with file, line, key, what is allowed, and what was probably meant by ``near``."""
    matches = get_close_matches(near, allowed, n=1, cutoff=0.5) if near else []
    reasons = [why] if why else []
    if allowed:
        reasons.append(f"allowed here: {', '.join(allowed)}")
    return InvalidConfig(
        f"{spot}: {problem}",
        why="; ".join(reasons),
        hint=hint or (f"did you mean {matches[0]}?" if matches else ""),
        evidence=_line(spot),
    )


def _line(spot: Spot) -> tuple[str, ...]:
    try:
        written = spot.file.read_text(encoding="utf-8").splitlines()[spot.line - 1]
    except (OSError, IndexError, UnicodeDecodeError):
        return ()
    return (f"{spot.file.name}:{spot.line} | {written.strip()}",)


def read(file: Path, environment: Mapping[str, str] | None) -> Table:
    """Read one file. Raises InvalidConfig: missing, unreadable, not YAML, not a mapping, a bad variable.

    environment  what ``${…}`` stands for; None where a dollar is nothing but a dollar
    """
    start = Spot(file=file, line=1)
    try:
        node = yaml.compose(file.read_bytes(), Loader=_Loader)
    except OSError as error:
        raise InvalidConfig(
            f"{file}: cannot be read", why=error.strerror or str(error), hint=f"ls -l {file.parent}"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f" (column {mark.column + 1})" if mark else ""
        raise refusal(
            start.at(mark.line + 1 if mark else 1), f"is not YAML: {error.problem or error.context}{column}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refusal(start, f"is not YAML: {error}") from error
    if node is None:
        return Table(spot=start, items={}, keys={})
    value = _Builder(environment).value(node, start.at(node.start_mark.line + 1))
    if not isinstance(value, Table):
        raise refusal(value.spot, "such a file is a mapping of keys")
    return value


class _Builder:
    """Turns YAML's nodes into values; remembers on which nodes it stands so that an alias inside itself is found."""

    def __init__(self, environment: Mapping[str, str] | None) -> None:
        self._environment = environment
        self._open: set[int] = set()

    def value(self, node: yaml.Node, spot: Spot) -> Value:
        if id(node) in self._open:
            raise refusal(spot, "an alias contains itself")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._table(node, spot)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, spot)
            return self._scalar(node, spot)
        finally:
            self._open.discard(id(node))

    def _scalar(self, node: Any, spot: Spot) -> Scalar:
        kind: Any = node.tag.rpartition(":")[2]
        try:
            text = node.value if self._environment is None else interpolate(node.value, self._environment)
        except BadVariable as error:
            lines = node.value.count("\n", 0, error.offset) + (1 if node.style in ("|", ">") else 0)
            raise refusal(spot.at(spot.line + lines), str(error), hint=error.hint) from None
        if kind not in _KINDS:
            raise refusal(
                spot,
                f"a {kind} is written here",
                why="only texts, numbers, true and false",
                hint=f'write "{node.value}"',
            )
        return Scalar(spot=spot, text=text, kind=kind)

    def _sequence(self, node: yaml.SequenceNode, spot: Spot) -> Row:
        return Row(
            spot=spot,
            items=tuple(
                self.value(item, Spot(spot.file, item.start_mark.line + 1, f"{spot.path}[{index}]"))
                for index, item in enumerate(node.value)
            ),
        )

    def _table(self, node: yaml.MappingNode, spot: Spot) -> Table:
        items: dict[str, Value] = {}
        keys: dict[str, Spot] = {}
        merged: list[Table] = []
        for key_node, value_node in node.value:
            here = spot.below(str(key_node.value), key_node.start_mark.line + 1)
            if key_node.tag == _MERGE_TAG:
                merged += self._merged(value_node, spot)
                continue
            if not isinstance(key_node, yaml.ScalarNode):
                raise refusal(spot.at(here.line), "a key must be a plain word")
            if key_node.value in items:
                raise refusal(here, "is written twice", why=f"first in line {keys[key_node.value].line}")
            keys[key_node.value] = here
            items[key_node.value] = self.value(value_node, here)
        for table in merged:  # explicit keys win, then the earlier of several merged mappings
            items = {**table.items, **items}
            keys = {**table.keys, **keys}
        return Table(spot=spot, items=items, keys=keys)

    def _merged(self, node: yaml.Node, spot: Spot) -> list[Table]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        tables = []
        for source in sources:
            value = self.value(source, spot.at(source.start_mark.line + 1))
            if not isinstance(value, Table):
                raise refusal(spot.at(node.start_mark.line + 1), "<<: takes a mapping, or a list of mappings")
            tables.append(value)
        return tables
