"""Finds the line of a key in the compose files, for errors about a stack that was already loaded. Reads files only when asked."""

from __future__ import annotations

from nexusdev.stack.document import MappingNode, SourcePosition, Value, read
from nexusdev.stack.model import Stack


def position_of(stack: Stack, *keys: str) -> SourcePosition:
    """Return where a stack declares something.

    Args:
        stack: The loaded stack.
        keys: The path of keys, such as ``("services", "redis-0", "ulimits")``. Where a file has only the first of them, the result is
            the position of the last one that it has.
    """
    best, found = 0, SourcePosition(file=stack.file, line=1)
    configs = {*stack.configs.values()}
    for file in stack.made_of:
        if file in configs:
            continue
        depth, position = _descend(read(file, None), keys)
        if depth > best:
            best, found = depth, position
    return found


def _descend(value: Value, keys: tuple[str, ...]) -> tuple[int, SourcePosition]:
    """Return how many of the keys a document has, and the position of the last one."""
    position, depth = value.position, 0
    for key in keys:
        if not isinstance(value, MappingNode) or key not in value.items:
            break
        position, value, depth = value.keys[key], value.items[key], depth + 1
    return depth, position
