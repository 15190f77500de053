"""Finds the project's own ``seed/`` files and sorts them by component.

    seed/postgres/*.sql   in the order of their names        seed/minio/<bucket>/…   objects
    seed/vault/…          secrets                             seed/redis/…            commands

Each component interprets its own files; this module only sorts the folders. Links to folders are followed; editor backups are left out
and reported to the user.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from nexusdev.components.contract import SeedFile
from nexusdev.context import Context
from nexusdev.errors import InvalidConfig
from nexusdev.events import Note
from nexusdev.util.nearest import nearest


def collect(folder: Path, components: Collection[str]) -> Mapping[str, Sequence[SeedFile]]:
    """Read the project's seed files.

    Args:
        folder: The project's ``seed`` folder.
        components: The names of all components.

    Returns:
        Component → its files, sorted by path.

    Raises:
        InvalidConfig: A folder does not have the name of a component, or a symbolic link is broken.
    """
    found: dict[str, list[SeedFile]] = {}
    for file in sorted(_walk(folder)):
        if _is_backup(file.name):
            continue
        path = file.relative_to(folder).as_posix()
        found.setdefault(_owner(path, folder, components), []).append(_read(file, path))
    return found


def backups(folder: Path) -> Sequence[str]:
    """Return the editor backup files below ``folder`` that ``collect`` leaves out, as relative paths."""
    return tuple(sorted(file.relative_to(folder).as_posix() for file in _walk(folder) if _is_backup(file.name)))


def name_backups(context: Context) -> None:
    """Report the editor backup files in the seed folder that are not applied."""
    folder = context.settings.seed
    for path in backups(folder):
        text = f"{folder.name}/{path} is ignored: it looks like an editor's backup"
        context.listener.tell(Note(text=text, warning=True))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield all files that are not hidden. Links to folders are followed, but not into a folder that contains them."""
    for place, folders, files in os.walk(folder, followlinks=True):
        real = Path(place).resolve()
        folders[:] = [
            each
            for each in folders
            if not each.startswith(".") and not real.is_relative_to((Path(place) / each).resolve())
        ]
        named = (Path(place) / each for each in files if not each.startswith("."))
        yield from (file for file in named if file.is_file() or file.is_symlink())


def _is_backup(name: str) -> bool:
    return name.endswith(("~", ".bak", ".orig", ".rej", ".swp")) or (name.startswith("#") and name.endswith("#"))


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
