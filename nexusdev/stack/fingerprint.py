"""A hash over all inputs of a container; when it changes, the container is recreated.

Included: the service's own values (image reference included), the hosts file, the contents of its config files and of its
secret files, and the fingerprint of the service whose network it shares. Not included: files that are ``live`` or ``runtime``,
and values that only change how a container is observed or ordered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import asdict

from nexusdev.stack.model import Service, Stack

# Fields that do not affect a container: nexusdev's own view of a service, the start order, and what only other runtimes use.
_NOT_IN_THE_CONTAINER = ("optional", "depends_on", "files", "own", "connects", "serves", "ready", "alive")


def fingerprints(stack: Stack) -> Mapping[str, str]:
    """Return service → hash (64 hexadecimal digits). Reads the config and secret files; a missing file counts as absent."""
    contents: dict[Path, str] = {}
    found: dict[str, str] = {}
    common = _Common(stack=stack, copied=frozenset(stack.copied_configs()), hosts=dict(stack.hosts()))
    for service in sorted(stack.services.values(), key=lambda each: bool(each.shares)):
        found[service.name] = _fingerprint(service, common, contents, found.get(service.shares, ""))
    return {name: found[name] for name in stack.services}


class _Common(Struct, frozen=True, kw_only=True):
    """The part of the hash that all services of a stack share. ``copied``: the configs that containers get as a copy."""

    stack: Stack
    copied: frozenset[str]
    hosts: Mapping[str, str]


def _fingerprint(service: Service, common: _Common, contents: dict[Path, str], owner: str) -> str:
    facts = {
        "service": {key: value for key, value in asdict(service).items() if key not in _NOT_IN_THE_CONTAINER},
        "files": [
            (
                mount.kind,
                mount.name,
                "" if mount.name in common.copied and mount.kind == "config" else str(mount.source),
                mount.target,
                "" if _is_live(mount.name, mount.kind, common.stack) else _content(mount.source, contents),
            )
            for mount in service.files
        ],
        "hosts": {} if service.shares else common.hosts,
        "owner": owner,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=_plain).encode()).hexdigest()


def _plain(value: object) -> object:
    """Convert values that JSON does not support: nested structs to their values, paths to text."""
    return asdict(value) if isinstance(value, Struct) else str(value)


def _is_live(name: str, kind: str, stack: Stack) -> bool:
    if kind == "config":
        return name in stack.live
    if name not in stack.secrets:
        return False
    recipe = stack.secrets[name].recipe
    return recipe.live or recipe.runtime


def _content(path: Path, contents: dict[Path, str]) -> str:
    """Return the hash of a file, which is read once for all services."""
    if path not in contents:
        try:
            contents[path] = hashlib.sha256(path.read_bytes()).hexdigest()
        except FileNotFoundError:
            contents[path] = "absent"
    return contents[path]
