"""Which instance is meant: a name made from the real path of the project folder, or the one that was asked for.

The path decides, never the branch or the folder's name alone: two checkouts of one project are two instances that never
meet, and a third cannot take over what another folder owns.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from nexusdev.errors import IdentityMismatch
from nexusdev.instance.naming import checked_name, derived_name, find_project

__all__ = ["Identity", "find_project", "identify", "require_owner"]


class Identity(Struct, frozen=True, kw_only=True):
    """An instance's name and the project folder that asks for it.

    explicit  the name was given (``--instance``, NEXUSDEV_INSTANCE, settings), not made from the path
    """

    name: str
    project: Path
    explicit: bool = False

    @property
    def compose_project(self) -> str:
        """The name under which ``docker compose ls`` shows it."""
        return f"nexusdev-{self.name}"


def identify(project: Path, name: str | None = None) -> Identity:
    """The identity of a project folder (a real path, as from ``find_project``); ``name`` overrides its derived name."""
    if name:
        return Identity(name=checked_name(name), project=project, explicit=True)
    return Identity(name=derived_name(project), project=project)


def require_owner(identity: Identity, owner: Path | str) -> None:
    """Refuse to change an instance that belongs to another folder."""
    if str(owner) == str(identity.project):
        return
    raise IdentityMismatch(
        f"instance {identity.name} belongs to another folder",
        why=f"{owner} owns it; you are in {identity.project}",
        hint=f"nexusdev -C {owner} up   work on that one\nnexusdev -i {identity.name}-2 up   take another name here",
        evidence=(f"owner: {owner}", f"here:  {identity.project}"),
    )
