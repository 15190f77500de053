"""The name of the instance: derived from the real path of the project folder, or given by the user.

The name depends on the path, not on the branch or the folder's name alone: two checkouts of one project are two separate instances, and
another folder cannot take over an instance that it does not own.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from nexusdev.errors import IdentityMismatch
from nexusdev.instance.naming import checked_name, derived_name, find_project, name_of
from nexusdev.instance.project_places import Place, Presence, Sight, look_for

__all__ = ["Identity", "find_project", "identify", "require_owner", "require_runtime"]


class Identity(Struct, frozen=True, kw_only=True):
    """An instance's name and the project folder of the command.

    Attributes:
        explicit: Whether the name was given (``--instance``, NEXUSDEV_INSTANCE, settings), not derived from the path.
    """

    name: str
    project: Path
    explicit: bool = False

    @property
    def compose_project(self) -> str:
        """The name in ``docker compose ls``."""
        return f"nexusdev-{self.name}"


def identify(project: Path, name: str | None = None, *, root: Path | None = None) -> Identity:
    """Return the identity of a project folder.

    Args:
        project: A real path, as from ``find_project``.
        name: Replaces the name that is derived from the path.
        root: The state of all instances, which stores the names of adopted instances.
    """
    if name:
        return Identity(name=checked_name(name), project=project, explicit=True)
    return Identity(name=name_of(project, root) if root else derived_name(project), project=project)


def require_owner(identity: Identity, owner: Path | str, place: Place = Place()) -> None:  # noqa: B008 - frozen
    """Raise an error if the instance belongs to another folder. ``place``: where that folder was last seen."""
    if str(owner) == str(identity.project):
        return
    sight = look_for(Path(owner), place)
    if sight.presence is not Presence.HERE:
        raise _owner_missing(identity, owner, sight)
    raise IdentityMismatch(
        f"instance {identity.name} belongs to another folder",
        why=f"{owner} owns it; you are in {identity.project}",
        hint=f"nexusdev -C {owner} up   use the instance from that folder\nnexusdev -i {identity.name[:30]}-2 up   use another name here",
        evidence=(f"owner: {owner}", f"here:  {identity.project}"),
    )


def require_runtime(name: str, recorded: str, *, asked: str, origin: str) -> None:
    """Raise an error if the instance belongs to another runtime.

    Args:
        name: The instance.
        recorded: The runtime in its record.
        asked: The runtime in the settings.
        origin: Where that setting came from, as in ``Settings.origins``.

    Raises:
        IdentityMismatch: They differ (RUNTIME_MISMATCH).
    """
    if recorded == asked:
        return
    where = "is the default" if origin == "default" else f"comes from {origin}"
    raise IdentityMismatch(
        f"instance {name} runs on {recorded}, not on {asked}",
        why=f"it was made with the runtime {recorded}, which has its containers and data; {asked} {where}",
        hint=f"nexusdev --runtime {recorded} -i {name} up   work on it where it is\n"
        f"nexusdev --runtime {asked} -i {name[:30]}-2 up   start another instance on {asked}",
        evidence=(f"recorded: {recorded}", f"asked: {asked} ({origin})"),
        code="RUNTIME_MISMATCH",
    )


def _owner_missing(identity: Identity, owner: Path | str, sight: Sight) -> IdentityMismatch:
    gone = "that no longer exists" if sight.vanished else "that cannot be accessed"
    return IdentityMismatch(
        f"instance {identity.name} belongs to a folder {gone}",
        why=f"{owner} {sight.why}; you are in {identity.project}",
        hint=f"nexusdev -i {identity.name} adopt   keep using its data, if this is the same project after a move\n"
        f"nexusdev -i {identity.name[:30]}-2 up   use another name here",
        evidence=(f"owner: {owner}", f"here:  {identity.project}"),
        code="PROJECT_MOVED",
    )
