"""Reads single values of a compose file: texts, numbers, sizes, durations, lists and pairs. Errors name file, line and what is allowed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import MappingNode, Scalar, SequenceNode, Value, config_error
from nexusdev.util import durations

T = TypeVar("T")

_SIZE = re.compile(r"(\d+)\s*([kmgt]?)b?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def entries(value: Value) -> Mapping[str, Value]:
    """Return the members of a mapping with free keys; null is the empty mapping."""
    if isinstance(value, MappingNode):
        return value.items
    if is_null(value):
        return {}
    raise wrong(value, "a mapping")


def items(value: Value) -> tuple[Value, ...]:
    """Return the members of a list."""
    if isinstance(value, SequenceNode):
        return value.items
    raise wrong(value, "a list")


def is_null(value: Value) -> bool:
    """Return whether a value is the YAML null."""
    return isinstance(value, Scalar) and value.kind == "null"


def wrong(value: Value, wanted: str) -> InvalidConfig:
    """Return the error for a value of the wrong type, with the expected and the actual type."""
    found = {SequenceNode: "a list", MappingNode: "a mapping"}.get(type(value), "")
    if isinstance(value, Scalar):
        found = "nothing" if value.kind == "null" else repr(value.text)
    return config_error(value.position, f"must be {wanted}, not {found}")


def text(value: Value, wanted: str = "a string") -> str:
    """Return a text. Unambiguous numbers are accepted; yes, 010, 1e3, true must be quoted (YAML versions differ on them)."""
    if not isinstance(value, Scalar) or value.kind == "null":
        raise wrong(value, wanted)
    if value.kind in ("str", "int") and (value.kind == "str" or str(_as_int(value.text)) == value.text):
        return value.text
    raise config_error(
        value.position,
        f"must be {wanted}; YAML parsers disagree about {value.text}",
        hint=f'write "{value.text}"',
    )


def _as_int(word: str) -> int | None:
    try:
        return int(word)
    except ValueError:
        return None


def one_of(value: Value, allowed: Sequence[str]) -> str:
    """Return one of the allowed words."""
    word = value.text if isinstance(value, Scalar) else text(value)
    if word not in allowed:
        raise config_error(value.position, f"{word!r} is not supported", allowed=allowed, near=word)
    return word


def boolean(value: Value) -> bool:
    """Return true or false; a quoted or interpolated word is accepted."""
    if isinstance(value, Scalar) and value.text.lower() in ("true", "false"):
        return value.text.lower() == "true"
    raise wrong(value, "true or false")


def integer(value: Value, *, least: int = 0) -> int:
    """Return a whole number, at least ``least``; a quoted or interpolated one is accepted."""
    if isinstance(value, Scalar) and re.fullmatch(r"\d+", value.text) and int(value.text) >= least:
        return int(value.text)
    raise wrong(value, f"an integer of at least {least}")


def size(value: Value) -> int:
    """Return bytes from ``512k``, ``64m``, ``1g`` or a plain number."""
    try:
        return size_in_bytes(value.text if isinstance(value, Scalar) else "")
    except ValueError as error:
        raise wrong(value, "a size such as 512k, 64m, 1g") from error


def size_in_bytes(word: str) -> int:
    """Return bytes from ``512k``, ``64m``, ``1g`` or a plain number. Raises ValueError for another word."""
    matched = _SIZE.fullmatch(word)
    if matched is None:
        raise ValueError(word)
    return int(matched[1]) * _UNITS[matched[2].lower()]


def duration(value: Value) -> float:
    """Return seconds from ``500ms``, ``30s``, ``1m30s``."""
    try:
        return durations.parse_compose(value.text if isinstance(value, Scalar) else "")
    except ValueError as error:
        raise wrong(value, "a duration such as 500ms, 30s, 1m30s") from error


def absolute(value: Value) -> str:
    """Return an absolute path in a container."""
    path = text(value, "an absolute path")
    if not path.startswith("/"):
        raise wrong(value, "an absolute path")
    return path


def texts(value: Value) -> tuple[str, ...]:
    """Return a list of texts."""
    return tuple(text(item) for item in items(value))


def words(value: Value) -> tuple[str, ...]:
    """Return a list of texts; a single text is split as a shell would."""
    if isinstance(value, SequenceNode):
        return texts(value)
    try:
        return tuple(shlex.split(text(value, "a list or a string")))
    except ValueError as error:
        raise config_error(value.position, f"cannot be split into words: {error}") from error


def pairs(value: Value) -> Mapping[str, str]:
    """Return NAME → value from a mapping or from a list of NAME=value."""
    if isinstance(value, MappingNode):
        return {
            key: text(item, "a string (values are not inherited from the host)") for key, item in value.items.items()
        }
    found: dict[str, str] = {}
    for item in items(value):
        name, equals, content = text(item).partition("=")
        if not equals:
            raise config_error(
                item.position,
                f"{name} has no value: values are not inherited from the host",
                hint=f'write "{name}=value"',
            )
        if name in found:
            raise config_error(item.position, f"{name} is duplicated")
        found[name] = content
    return found


def optional(members: Mapping[str, Value], key: str, reader: Callable[[Value], T], default: T) -> T:
    """Return the value of a key, or the default if it is missing.

    Args:
        members: The members of a mapping.
        key: The key.
        reader: Converts the value.
        default: The result without the key.
    """
    return reader(members[key]) if key in members else default
