"""Checks Grafana dashboard files: valid JSON and required members. Grafana skips broken ones silently."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexusdev.errors import InvalidConfig
from nexusdev.stack.document import SourcePosition, config_error
from nexusdev.util.nearest import nearest

_REQUIRED: Mapping[str, tuple[type, str]] = {
    "uid": (str, "a non-empty string"),
    "title": (str, "a non-empty string"),
    "panels": (list, "a non-empty list"),
}


def check(file: Path) -> None:
    """Check one dashboard. Its ``uid`` must be the file's name, because links to a dashboard use it.

    Raises:
        InvalidConfig: Grafana would skip the file; the error has file and line.
    """
    text, document = _read(file)
    if not isinstance(document, dict):
        raise config_error(SourcePosition(file=file, line=1), "a dashboard must be a JSON object")
    for key, (kind, wanted) in _REQUIRED.items():
        if key not in document:
            near = nearest(key, document)
            hint = f"did you mean {key} by {near[0]}?" if near else ""
            raise config_error(_position(file, text, near[0] if near else key), f"{key} is missing", hint=hint)
        if not isinstance(document[key], kind) or not document[key]:
            raise config_error(_position(file, text, key), f"must be {wanted}")
    if document["uid"] != file.stem:
        raise config_error(
            _position(file, text, "uid"),
            f"uid is {document['uid']!r}",
            why=f"it must match the file name {file.stem!r}",
        )
    for number, panel in enumerate(document["panels"], 1):
        if not isinstance(panel, dict) or not isinstance(panel.get("type"), str):
            raise config_error(_position(file, text, "panels"), f"panel {number} is not an object with a type")


def _read(file: Path) -> tuple[str, Any]:
    try:
        text = file.read_text(encoding="utf-8")
        return text, json.loads(text)
    except json.JSONDecodeError as error:
        raise config_error(
            SourcePosition(file=file, line=error.lineno), f"invalid JSON: {error.msg} (column {error.colno})"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"failed to read {file}", why=str(error)) from error


def _position(file: Path, text: str, key: str) -> SourcePosition:
    """Return the line of a key of the outermost object: the occurrence with the least indentation."""
    found = [
        (len(match[1]), number)
        for number, line in enumerate(text.splitlines(), 1)
        if (match := re.match(rf'(\s*)\{{?\s*"{key}"\s*:', line))
    ]
    return SourcePosition(file=file, line=min(found)[1] if found else 1, path=key)
