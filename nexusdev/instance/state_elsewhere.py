"""Finds the state folder of an instance whose containers or data exist while its state is in another folder.

Another user, ``sudo``, cron or a service has another home or XDG_STATE_HOME, and so another state root. Resources of an instance have the
path of its state as a label. Older containers without that label mount files from there; for older volumes, the usual places are searched.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from nexusdev.errors import IdentityMismatch, InvalidState
from nexusdev.instance.paths import folder_of
from nexusdev.inventory import InstanceInventory

_EVIDENCE = 6
_DEFAULT = Path(".local") / "state" / "nexusdev"


def explained(
    name: str,
    found: InstanceInventory,
    *,
    root: Path,
    project: Path,
    homes: Sequence[Path] | None = None,
    home_of: Callable[[str], Path] | None = None,
) -> InvalidState | None:
    """Return the error for an instance without state in this root, of which the engine has containers or volumes; None if it has neither.

    Args:
        name: The instance.
        found: Its existing resources.
        root: The folder of the state of all instances that this command uses.
        project: The project folder; the home of its owner is searched.
        homes: The homes to search; None for those of this user, of sudo's caller and of the project's owner.
        home_of: Returns the home of a user by name; None for the system's user database.
    """
    evidence = _evidence(found)
    if not evidence:
        return None
    told = [Path(each) for each in found.state_paths]
    usual = [folder_of(home / _DEFAULT, name) for home in (_homes(project) if homes is None else homes)]
    for folder in dict.fromkeys((*told, *(() if told else usual))):
        if folder != folder_of(root, name) and not _is_absent(folder):
            return _elsewhere(name, folder, root, evidence, home_of or _home)
    return _lost(name, next(iter(told), None), root, evidence)


def _evidence(found: InstanceInventory) -> tuple[str, ...]:
    left = [each for each in found.objects if each not in found.others]
    more = (f"… and {len(left) - _EVIDENCE} more",) if len(left) > _EVIDENCE else ()
    return (*left[:_EVIDENCE], *more)


def _elsewhere(
    name: str, folder: Path, root: Path, evidence: tuple[str, ...], home_of: Callable[[str], Path]
) -> InvalidState:
    theirs, user = folder.parent.parent, _owner_of(folder)
    command = f"NEXUSDEV_STATE_DIR={shlex.quote(str(theirs))} nexusdev …   use that state folder"
    if user and user != _user_name(os.geteuid()):
        command = _as_owner(user, theirs, home_of)
    return InvalidState(
        f"the state of instance {name} is in another folder: {folder}",
        why=f"this command uses {root}, from NEXUSDEV_STATE_DIR, XDG_STATE_HOME or the home folder",
        hint=command,
        evidence=evidence,
        code="STATE_ELSEWHERE",
    )


def _as_owner(user: str, root: Path, home_of: Callable[[str], Path]) -> str:
    named = "" if root == home_of(user) / _DEFAULT else f"NEXUSDEV_STATE_DIR={shlex.quote(str(root))} "
    return f"sudo -u {user} -H {named}nexusdev …   run it as {user}, the owner of the state"


def is_anothers(state_path: str) -> bool:
    """Return whether the state of an instance belongs to another user of this machine, or cannot be inspected.

    Root may change the instances of all users. State that no longer exists belongs to nobody.

    Args:
        state_path: The state folder that the labels of the instance name; '' if they name none.
    """
    if not state_path or os.geteuid() == 0:
        return False
    try:
        return Path(state_path).stat().st_uid != os.geteuid()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


def anothers(name: str, state_path: str, *, home_of: Callable[[str], Path] | None = None) -> IdentityMismatch:
    """Return the error for a command that would change or remove the instance of another user.

    Args:
        name: The instance.
        state_path: Its state folder.
        home_of: Returns the home of a user by name; None for the system's user database.
    """
    folder = Path(state_path)
    user = _owner_of(folder)
    way = _as_owner(user, folder.parent.parent, home_of or _home) if user else "sudo nexusdev …   run it as root"
    return IdentityMismatch(
        f"instance {name} belongs to another user",
        why=f"its state {folder} is {user or 'somebody'}'s; everybody who may use Docker could remove their data",
        hint=f"{way}\nnexusdev -i {name[:30]}-2 up   start an instance of your own",
        code="OTHER_USER",
    )


def _lost(name: str, told: Path | None, root: Path, evidence: tuple[str, ...]) -> InvalidState:
    """Return the error for lost state. Existing data is never overwritten silently, and no location is guessed."""
    ours = folder_of(root, name)
    if told:
        why = f"its passwords and keys were in {told}, which does not exist; without them its data cannot be opened"
        ways = [f"restore {told} from a backup, or mount the file system that it was on"]
    else:
        why = f"{ours} does not exist, and its volumes and containers do not name another state folder"
        ways = [
            "run it as the user who started the instance, with the same NEXUSDEV_STATE_DIR or XDG_STATE_HOME",
            f"restore {ours} from a backup",
        ]
    last = f"nexusdev -i {name} destroy   only if the state cannot be restored: removes all data"
    return InvalidState(
        f"the state of instance {name} is missing, but its data still exists",
        why=why,
        hint="\n".join((*ways, last)),
        evidence=evidence,
        code="STATE_LOST",
    )


def _is_absent(folder: Path) -> bool:
    """Return whether a folder certainly has no state; False if it cannot be read."""
    try:
        return not (folder / "instance.json").exists()
    except OSError:
        return False


def _owner_of(folder: Path) -> str:
    """Return the owner of a folder, or of its nearest readable parent; '' for a numeric id without a name."""
    for each in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return _user_name(each.stat().st_uid)
    return ""


def _homes(project: Path, environ: Mapping[str, str] = os.environ) -> Iterator[Path]:
    """Yield the homes of this user, of sudo's caller and of the project's owner."""
    uids = [os.geteuid()]
    if environ.get("SUDO_UID", "").isdigit():
        uids.append(int(environ["SUDO_UID"]))
    with contextlib.suppress(OSError):
        uids.append(project.stat().st_uid)
    for uid in dict.fromkeys(uids):
        with contextlib.suppress(KeyError):
            yield Path(pwd.getpwuid(uid).pw_dir)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return ""


def _home(user: str) -> Path:
    return Path(pwd.getpwnam(user).pw_dir)


def sudo_note(root: Path, environ: Mapping[str, str]) -> str:
    """Return the note for a new instance that root creates for another user by ``sudo``; '' if its state will belong to that user.

    Args:
        root: The folder of the state of all instances.
        environ: The environment, in which sudo names its caller.
    """
    caller = environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not caller.isdigit() or int(caller) == 0:
        return ""
    with contextlib.suppress(OSError):
        if root.stat().st_uid == int(caller):
            return ""
    name = _user_name(int(caller)) or f"user {caller}"
    return f"this instance belongs to root, and its state is in {root}: commands without sudo do not find it; run nexusdev as {name} instead"
