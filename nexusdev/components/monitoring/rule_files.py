"""Reads Prometheus rule files strictly; errors name file, line, the allowed keys and the likely intention.

The expressions in them are Prometheus's own business (``promtool``); everything around them is looked at here, in milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from nexusdev.stack import values
from nexusdev.stack.document import MappingNode, Scalar, SequenceNode, SourcePosition, Value, config_error, read

_GROUP = ("name", "interval", "query_offset", "limit", "labels", "rules")
_ALERT = ("alert", "expr", "for", "keep_firing_for", "labels", "annotations")
_RECORD = ("record", "expr", "labels")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_DURATION = re.compile(r"0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?")

Members = Mapping[str, Value]


def check(file: Path) -> None:
    """Check one rule file.

    Raises:
        InvalidConfig: Prometheus would reject the file; the error has file and line.
    """
    seen: dict[str, SourcePosition] = {}
    for group in _groups(file):
        members = _table(group, _GROUP, required=("name", "rules"))
        name = _written(members["name"])
        if name in seen:
            raise config_error(group.position, f"group {name} is duplicated", why=f"first in line {seen[name].line}")
        seen[name] = group.position
        _optional(members, "interval", _duration)
        _optional(members, "query_offset", _duration)
        _optional(members, "limit", values.integer)
        _optional(members, "labels", _labels)
        for rule in values.items(members["rules"]):
            _rule(rule)


def position_of(file: Path, group: str, number: int, name: str = "") -> SourcePosition:
    """Where a rule is written, counted from 1 in its group; ``name``: one of its keys, or of its labels and annotations."""
    for each in _groups(file):
        members = values.entries(each)
        rules = values.items(members["rules"])
        if _written(members["name"]) == group and number <= len(rules):
            return _key_of(rules[number - 1], name) or rules[number - 1].position
    return SourcePosition(file=file, line=1)


def _key_of(rule: Value, name: str) -> SourcePosition | None:
    if not isinstance(rule, MappingNode):
        return None
    notes = (rule.items.get("annotations"), rule.items.get("labels"))
    tables = [rule, *(each for each in notes if isinstance(each, MappingNode))]
    return next((table.keys[name] for table in tables if name in table.keys), None)


def _groups(file: Path) -> tuple[Value, ...]:
    document = read(file, None)
    return values.items(_table(document, ("groups",), required=("groups",))["groups"])


def _rule(rule: Value) -> None:
    members = values.entries(rule)
    kinds = [each for each in ("alert", "record") if each in members]
    if len(kinds) != 1:
        near = "alert and record are both set" if kinds else "alert or record is missing"
        _table(rule, tuple(dict.fromkeys((*_ALERT, *_RECORD))))
        raise config_error(rule.position, near, why="a rule needs exactly one of them")
    members = _table(rule, _ALERT if kinds == ["alert"] else _RECORD, required=(kinds[0], "expr"))
    name = _written(members[kinds[0]])
    if kinds == ["record"] and not _METRIC.fullmatch(name):
        raise config_error(members["record"].position, f"invalid metric name {name!r}", why="letters, digits, _ and :")
    _written(members["expr"])
    _optional(members, "for", _duration)
    _optional(members, "keep_firing_for", _duration)
    _optional(members, "labels", _labels)
    _optional(members, "annotations", _labels)


def _table(value: Value, allowed: Sequence[str], *, required: Sequence[str] = ()) -> Members:
    """The members of a mapping that has these keys and no others."""
    members = values.entries(value)
    for key in members:
        if key not in allowed:
            position = value.keys[key] if isinstance(value, MappingNode) else value.position
            raise config_error(position, f"unknown key {key}", allowed=allowed, near=key)
    for key in required:
        if key not in members:
            raise config_error(value.position, f"{key} is missing")
    return members


def _optional(members: Members, key: str, reader: Callable[[Value], object]) -> None:
    if key in members:
        reader(members[key])


def _written(value: Value) -> str:
    """A text or a number that is not empty."""
    if isinstance(value, (SequenceNode, MappingNode)) or not value.text.strip() or value.kind == "null":
        raise values.wrong(value, "a string")
    return value.text


def _duration(value: Value) -> None:
    if not isinstance(value, Scalar) or not value.text or not _DURATION.fullmatch(value.text):
        raise values.wrong(value, "a duration such as 30s, 5m or 1h30m")


def _labels(value: Value) -> None:
    for name, each in values.entries(value).items():
        if not _LABEL.fullmatch(name):
            position = value.keys[name] if isinstance(value, MappingNode) else value.position
            raise config_error(position, f"invalid label name {name!r}", why="letters, digits and _")
        if not isinstance(each, Scalar) or each.kind == "null":
            raise values.wrong(each, "a string")
