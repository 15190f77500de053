"""Finds the project's own ``seed/`` files and sorts them by component.

    seed/postgres/*.sql   in the order of their names        seed/minio/<bucket>/…   objects
    seed/vault/…          secrets                             seed/redis/…            commands

What a component makes of a file is its own business; here only the folders are sorted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from nexusdev.components.contract import SeedFile
from nexusdev.errors import InvalidConfig
from nexusdev.util.nearest import nearest


def collect(folder: Path, components: Collection[str]) -> Mapping[str, Sequence[SeedFile]]:
    """Read the project's seed files.

    Args:
        folder: The project's ``seed`` folder.
        components: The names of all components.

    Returns:
        Component → its files, sorted by path.

    Raises:
        InvalidConfig: A folder has not the name of a component.
    """
    if not folder.is_dir():
        return {}
    found: dict[str, list[SeedFile]] = {}
    for file in sorted(each for each in folder.rglob("*") if each.is_file() and not _is_hidden(each, folder)):
        path = file.relative_to(folder).as_posix()
        found.setdefault(_owner(path, folder, components), []).append(_read(file, path))
    return found


def _is_hidden(file: Path, folder: Path) -> bool:
    return any(selection.startswith(".") for selection in file.relative_to(folder).parts)


def _owner(path: str, folder: Path, components: Collection[str]) -> str:
    first, _, rest = path.partition("/")
    if rest and first in components:
        return first
    if not rest and first.upper().startswith("README"):
        return ""
    near = nearest(first, components)
    raise InvalidConfig(
        f"{folder / path} does not belong to a component",
        why=f"seed files must be in the folder of a component: {', '.join(f'{folder.name}/{each}/' for each in components)}",
        hint=f"mv {folder / first} {folder / near[0]}" if near and rest else "",
    )


def _read(file: Path, path: str) -> SeedFile:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise InvalidConfig(f"failed to read {file}", why=error.strerror or str(error)) from error
    return SeedFile(path=path, content=content, sha256=hashlib.sha256(content).hexdigest())
