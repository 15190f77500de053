"""Reads images.lock.yaml strictly; errors name file, line and key."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from nexusdev.images.lockfile import Build, Debootstrap, Lock, LockedImage, Registry, Source
from nexusdev.stack.document import MappingNode, Scalar, SequenceNode, SourcePosition, Value, config_error, read

SCHEMA = 1

_TOP = ("schema", "images")
_IMAGE = ("version", "programs", "check", "internal", "optional", "runtime", "sources")
_SOURCES: Mapping[str, tuple[str, ...]] = {
    "registry": ("registry", "digest", "why", "links"),
    "build": ("build", "cache"),
    "debootstrap": ("debootstrap",),
}
_NAME = re.compile(r"[a-z][a-z0-9-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,40}")
_PROGRAM = re.compile(r"[A-Za-z0-9._-]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REFERENCE = re.compile(r"[a-z0-9][a-z0-9.:-]*/[a-z0-9._/-]+:[A-Za-z0-9._-]+")


def read_lock(file: Path) -> Lock:
    """Read the lockfile. Raises InvalidConfig with file, line, key and what is allowed."""
    root = read(file, {})
    members = _members(root, _TOP, required=_TOP)
    if _text(members["schema"]) != str(SCHEMA):
        raise config_error(members["schema"].position, f"schema must be {SCHEMA}")
    listed = members["images"]
    if not isinstance(listed, MappingNode):
        raise config_error(listed.position, "must be a mapping: name → image")
    return Lock(
        file=file, images={name: _image(listed.keys[name], name, value) for name, value in listed.items.items()}
    )


def _image(position: SourcePosition, name: str, value: Value) -> LockedImage:
    if not _NAME.fullmatch(name):
        raise config_error(position, f"invalid image name {name}", why="use lower case letters, digits and hyphens")
    members = _members(value, _IMAGE, required=("version", "sources"))
    rows = _rows(members["sources"])
    if not rows:
        raise config_error(members["sources"].position, "at least one source is required", allowed=tuple(_SOURCES))
    return LockedImage(
        name=name,
        version=_matching(members["version"], _VERSION, "a version that is valid in a tag"),
        programs=tuple(_text(program) for program in _rows(members["programs"])) if "programs" in members else (),
        check=_text(members["check"]) if "check" in members else "",
        internal="internal" in members and _boolean(members["internal"]),
        optional="optional" in members and _boolean(members["optional"]),
        runtime=_matching(members["runtime"], _NAME, "the name of a runtime") if "runtime" in members else "",
        sources=tuple(_source(row) for row in rows),
    )


def _source(value: Value) -> Source:
    kinds = [kind for kind in _SOURCES if isinstance(value, MappingNode) and kind in value.items]
    if len(kinds) != 1:
        raise config_error(value.position, "a source must be exactly one of these", allowed=tuple(_SOURCES))
    members = _members(value, _SOURCES[kinds[0]], required=kinds)
    match kinds[0]:
        case "registry":
            return _registry(value.position, members)
        case "build":
            cache = _text(members["cache"]) if "cache" in members else ""
            return Build(folder=_folder(members["build"], "Dockerfile"), cache=cache)
        case _:
            return Debootstrap(folder=_folder(members["debootstrap"], "make"))


def _registry(position: SourcePosition, members: Mapping[str, Value]) -> Registry:
    if "digest" not in members:
        raise config_error(position, "digest is missing", why="a digest of null needs a why")
    digest, why = members["digest"], _text(members["why"]) if "why" in members else ""
    if isinstance(digest, Scalar) and digest.kind == "null":
        if not why:
            raise config_error(digest.position, "a digest of null needs a why")
        pinned = None
    else:
        pinned = _matching(digest, _DIGEST, "sha256: and 64 hexadecimal digits, or null with a why")
    reference = _matching(members["registry"], _REFERENCE, "host/path:tag")
    return Registry(reference=reference, digest=pinned, why=why, links=_links(members))


def _links(members: Mapping[str, Value]) -> Mapping[str, str]:
    if "links" not in members:
        return {}
    table = members["links"]
    if not isinstance(table, MappingNode):
        raise config_error(table.position, "must be a mapping: program that is needed → program of the image")
    return {name: _matching(value, _PROGRAM, "the name of a program") for name, value in table.items.items()}


def _folder(value: Value, needed: str) -> Path:
    folder = value.position.file.parent / _text(value)
    if not (folder / needed).is_file():
        raise config_error(value.position, f"{needed} is missing in {folder}")
    return folder


def _members(value: Value, allowed: tuple[str, ...], *, required: Iterable[str]) -> Mapping[str, Value]:
    if not isinstance(value, MappingNode):
        raise config_error(value.position, "must be a mapping", allowed=allowed)
    for key, position in value.keys.items():
        if key not in allowed:
            raise config_error(position, f"unknown key {key}", allowed=allowed, near=key)
    for key in required:
        if key not in value.items:
            raise config_error(value.position, f"{key} is missing", allowed=allowed)
    return value.items


def _rows(value: Value) -> tuple[Value, ...]:
    if isinstance(value, SequenceNode):
        return value.items
    raise config_error(value.position, "must be a list")


def _text(value: Value) -> str:
    if isinstance(value, Scalar) and value.kind in ("str", "int"):
        return value.text
    raise config_error(value.position, "must be a string", hint="put it in quotes")


def _boolean(value: Value) -> bool:
    if isinstance(value, Scalar) and value.kind == "bool" and value.text in ("true", "false"):
        return value.text == "true"
    raise config_error(value.position, "must be true or false")


def _matching(value: Value, pattern: re.Pattern[str], wanted: str) -> str:
    text = _text(value)
    if not pattern.fullmatch(text):
        raise config_error(value.position, f"{text!r} is not {wanted}")
    return text
