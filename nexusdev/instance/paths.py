"""The paths of instance states. Light: ``nexusdev env`` imports it.

``state_root`` is NEXUSDEV_STATE_DIR, else nexusdev in XDG_STATE_HOME (``~/.local/state``), on macOS too: "Application Support" has
a space, and the CA's path must need no quoting in an env file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from nexusdev.errors import InvalidState
from nexusdev.util.home import ANOTHERS_HOME, expanded, required


def state_root(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of all instances of this user.

    Raises:
        PreflightFailed: It depends on the home folder, which is unknown (code NO_HOME).
    """
    if override := environ.get("NEXUSDEV_STATE_DIR"):
        return Path(override).absolute()
    folder = environ.get("XDG_STATE_HOME", "")
    if folder and (found := expanded(folder)).is_absolute():  # the specification ignores relative paths
        return found / "nexusdev"
    return required(environ) / ".local" / "state" / "nexusdev"


def folder_of(root: Path, name: str) -> Path:
    """Return the state folder of one instance, whether it exists or not."""
    return root / "instances" / name


def lock_file(root: Path, name: str) -> Path:
    """Return the lock file of one instance."""
    return root / "locks" / f"instance-{name}.lock"


def locks(root: Path) -> Iterator[str]:
    """Yield the names of all instances that have a lock file, whether they exist or not."""
    for file in sorted(root.glob("locks/instance-*.lock")):
        yield file.name.removeprefix("instance-").removesuffix(".lock")


def instances(root: Path) -> Iterator[Path]:
    """Yield the state folders of all instances, by name.

    Raises:
        InvalidState: This user may not read the folder.
    """
    parent = root / "instances"
    try:
        yield from sorted(each for each in parent.iterdir() if each.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise InvalidState(
            f"failed to read the state folder {parent}", why=error.strerror or str(error), hint=ANOTHERS_HOME
        ) from error
