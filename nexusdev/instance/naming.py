"""Derives the name of an instance from the real path of its project folder. Light: ``nexusdev env`` imports it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from nexusdev.errors import NotFound, UsageError
from nexusdev.util.slug import slug

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
_SLUG_LENGTH = 24
_MARKER = b"[tool.nexusdev"


def derived_name(project: Path) -> str:
    """Return the slug of the folder's name and six hexadecimal digits of the SHA-256 of its path: ``shop-3fa9c1``."""
    return _named_after(project, str(project))


def another_name(project: Path, number: int) -> str:
    """Return another name for the same path, for when its derived one is in use by a folder that was moved away."""
    return _named_after(project, f"{project}\n{number}")


def name_of(project: Path, root: Path) -> str:
    """Return the name of a folder's instance: the derived one, unless an ``adopt`` in this state root gave it another."""
    derived = derived_name(project)
    try:
        kept = (names_folder(root) / derived).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return derived
    return kept if NAME.fullmatch(kept) else derived


def names_folder(root: Path) -> Path:
    """Return the folder that stores which paths use another name than their derived one."""
    return root / "names"


def _named_after(project: Path, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:6]
    name = slug(project.name)[:_SLUG_LENGTH].strip("-")
    return f"{name or 'project'}-{digest}"


def checked_name(name: str) -> str:
    """Return the name itself. Raises UsageError for an invalid one, with a valid suggestion."""
    if NAME.fullmatch(name):
        return name
    proposal = slug(name)[:32].strip("-")
    raise UsageError(
        f"invalid instance name {name!r}",
        why="use 1 to 32 of a-z, 0-9 and -, starting and ending with a letter or digit",
        hint=f"--instance {proposal}" if proposal else "",
    )


def find_project(start: Path) -> Path:
    """Return the nearest project folder from ``start`` upward, as a real path; ``start`` itself if there is none.

    A project has nexusdev.toml, a pyproject.toml with [tool.nexusdev], or .git.
    """
    if not os.path.isdir(start):  # noqa: PTH112 - Path.is_dir raises for a folder that this user may not enter
        what = f"{start} is not a folder" if os.path.exists(start) else f"folder {start} does not exist"  # noqa: PTH110
        raise NotFound(what, why="-C/--project must be an existing folder that you may enter")
    folder = start.resolve()
    return next((each for each in (folder, *folder.parents) if is_project(each)), folder)


def is_project(folder: Path) -> bool:
    """Return whether the folder has one of the marks of a project."""
    return (folder / "nexusdev.toml").is_file() or (folder / ".git").exists() or has_table(folder / "pyproject.toml")


def has_table(pyproject: Path) -> bool:
    """Return whether this pyproject.toml has a [tool.nexusdev] table (a text search: fast, and correct for valid files)."""
    try:
        return any(line.lstrip().startswith(_MARKER) for line in pyproject.read_bytes().splitlines())
    except OSError:
        return False
