"""Which folder owns an instance: the record in its state decides, as labels keep the path from their creation.

<root>/names/<derived name>   the name that a path uses instead of its derived one, after an ``adopt``
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from msgspec.structs import asdict, replace

from nexusdev.instance import state
from nexusdev.instance.naming import another_name, derived_name, names_folder
from nexusdev.instance.project_places import place_of
from nexusdev.instance.state import Record
from nexusdev.util import files


def hand_over(record: Record, project: Path, *, root: Path) -> Record:
    """Make ``project`` the owner of an instance and return the new record. The caller holds the instance's lock.

    A new folder at the old path gets another name, so that it never uses the moved instance.

    Args:
        record: The record of the instance.
        project: The new owner.
        root: The folder of the state of all instances.
    """
    former = tuple(each for each in dict.fromkeys((*record.former, record.owner)) if each != str(project))
    handed = replace(record, owner=str(project), former=former, **asdict(place_of(project)))
    folder = names_folder(root)
    files.make_folder(folder)
    forget_name(record.name, root=root)
    for path in former:
        if derived_name(Path(path)) == record.name and not (folder / record.name).exists():
            files.replace(folder / record.name, _free_name(Path(path), root))
    if derived_name(project) != record.name:
        files.replace(folder / derived_name(project), record.name)
    else:
        (folder / record.name).unlink(missing_ok=True)
    state.write_record(state.folder_of(root, record.name), handed)
    return handed


def forget_name(name: str, *, root: Path) -> None:
    """Remove the use of this name instead of a derived one. Its own path may use it again unless another name is in use there."""
    folder = names_folder(root)
    with contextlib.suppress(FileNotFoundError):
        instead = (folder / name).read_text(encoding="utf-8").strip()
        if not state.folder_of(root, instead).exists():
            (folder / name).unlink()
    for file in folder.iterdir() if folder.is_dir() else ():
        if file.read_text(encoding="utf-8").strip() == name:
            file.unlink()


def _free_name(path: Path, root: Path) -> str:
    """Return a name for a later project at this path: the first one that no instance has."""
    names = (another_name(path, number) for number in range(2, 1000))
    return next(name for name in names if not state.folder_of(root, name).exists())
