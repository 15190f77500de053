"""Decides which instance belongs to a project folder that was renamed, moved, copied or checked out a second time.

A folder's instance follows from its path, so a moved folder has none. Its env file still names the one that it had. Where the
folder of that instance has vanished, this one is most likely the same under a new path, and ``adopt`` makes it the owner. Where it
still exists, this one is a copy.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from nexusdev.context import Context
from nexusdev.env.file import SIGNATURE
from nexusdev.errors import IdentityMismatch, InvalidState, PreflightFailed
from nexusdev.instance import state_elsewhere
from nexusdev.instance.naming import name_of
from nexusdev.instance.project_places import Presence, Sight, is_same, look_for
from nexusdev.instance.state import Record, folder_of, read_record

_NAMED = re.compile(rf"{re.escape(SIGNATURE)} for instance ([a-z0-9-]+);")
_WORKTREE = re.compile(r"gitdir: (.+)/\.git/worktrees/[^/]+\s*")


class Earlier(Struct, frozen=True, kw_only=True):
    """The instance that a folder had, or seems to have had, under another path.

    Attributes:
        record: The record of the instance.
        sight: What is known of the folder that owns it.
        same: Whether this is the same folder under another path.
    """

    record: Record
    sight: Sight
    same: bool = False

    @property
    def still_there(self) -> bool:
        """Whether its folder exists beside this one."""
        return self.sight.presence is Presence.HERE and not self.same

    @property
    def certain(self) -> bool:
        """Whether its folder is this one, or is not at its path any more, for certain."""
        return self.same or self.sight.vanished


def earlier(context: Context) -> Earlier | None:
    """What this folder's env file says, where it names the instance of another folder."""
    name = _named_in(context.settings.env_file)
    if not name or name == context.identity.name:
        return None
    try:
        record = read_record(folder_of(context.root, name))
    except InvalidState:
        return None
    if record is None or record.owner == str(context.identity.project):
        return None
    return weigh(record, context.identity.project)


def weigh(record: Record, project: Path) -> Earlier:
    """An instance beside a folder that may be its owner under another path."""
    owner = Path(record.owner)
    same = is_same(project, record.place) or owner.resolve() == project
    return Earlier(record=record, sight=look_for(owner, record.place), same=same)


def refuse_moved(context: Context) -> None:
    """Raise IdentityMismatch where this folder seems to have been moved: a new, empty instance is not what is wanted."""
    found = earlier(context)
    if found is None or found.still_there:
        return
    record, file = found.record, context.settings.env_file
    moved = "was moved" if found.certain else "may have been moved"
    raise IdentityMismatch(
        f"this project {moved}: its data is in instance {record.name}",
        why=f"{file.name} names that instance, and {_owner_words(found)}",
        hint=f"nexusdev adopt   use {record.name} and its data from this folder\n"
        f"rm {file}; nexusdev up   create a new, empty instance instead",
        evidence=(f"owner: {record.owner}", f"here:  {context.identity.project}"),
        code="PROJECT_MOVED",
    )


def refuse_stateless(context: Context) -> None:
    """Raise InvalidState where the engine has containers or data of an instance whose state is not here."""
    try:
        existing = context.provider.inventory().of(context.identity.name)
    except PreflightFailed:
        return
    identity = context.identity
    if found := state_elsewhere.explained(identity.name, existing, root=context.root, project=identity.project):
        raise found


def _owner_words(found: Earlier) -> str:
    if found.same:
        return f"its folder {found.record.owner} is this one"
    return f"its folder {found.record.owner} {found.sight.why}"


def second_folder(context: Context) -> str:
    """What to say when a copy or a second checkout gets an instance of its own; '' for any other folder."""
    found = earlier(context)
    if found is not None and found.still_there:
        what, name = f"a copy of {found.record.owner}", found.record.name
    elif (main := _main_checkout(context.identity.project)) and _owns(context.root, main):
        what, name = f"a git worktree of {main}", name_of(main, context.root)
    else:
        return ""
    return f"this folder is {what}, which uses instance {name}; a separate instance is created for it: {context.identity.name}"


def _named_in(file: Path) -> str:
    """The instance that an env file was written for; '' where it is none of ours."""
    try:
        with file.open(encoding="utf-8", errors="replace") as content:
            matched = _NAMED.match(content.readline(1000))
    except OSError:
        return ""
    return matched[1] if matched else ""


def _main_checkout(project: Path) -> Path | None:
    """The checkout to which a git worktree belongs."""
    try:
        matched = _WORKTREE.fullmatch((project / ".git").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None
    return Path(matched[1]) if matched else None


def _owns(root: Path, project: Path) -> bool:
    try:
        record = read_record(folder_of(root, name_of(project, root)))
    except InvalidState:
        return False
    return record is not None and record.owner == str(project)
