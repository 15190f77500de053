"""Whose containers these are: nothing that belongs to somebody else is ever touched. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from nexusdev.errors import IdentityMismatch
from nexusdev.plan.snapshot import Snapshot


def refuse_foreign(
    snapshot: Snapshot, owner_path: str, *, wanted: Mapping[str, str], former: Collection[str] = ()
) -> None:
    """Raise IdentityMismatch when the instance is another folder's, or when a name that we need is somebody else's.

    ``wanted``: the services that shall be created, each with the name that its container will have.
    ``former``: paths that the owner's folder had before it was moved; labels keep them.
    """
    _refuse_other_owner(snapshot, owner_path, former)
    taken = {service: image for service, image in snapshot.foreign.items() if service in wanted}
    if not taken:
        return
    service, image = next(iter(taken.items()))
    raise IdentityMismatch(
        f"a container that is not ours has the name that {service} needs: {wanted[service]}",
        why=f"it was made from {image}, without this instance's labels; nexusdev never touches it",
        hint="\n".join(
            (
                f"docker inspect {wanted[service]}   look at it",
                f"docker rm {wanted[service]}   or rename it, then: nexusdev up",
            )
        ),
        evidence=[f"{wanted[name]}: image {origin}" for name, origin in taken.items()] if len(taken) > 1 else (),
        code="FOREIGN_CONTAINER",
    )


def _refuse_other_owner(snapshot: Snapshot, owner_path: str, former: Collection[str]) -> None:
    """Two folders with one instance name: the second must not take over what the first made."""
    holders = (
        *snapshot.containers.values(),
        *snapshot.strays,
        *snapshot.volumes.values(),
        *((snapshot.network,) if snapshot.network else ()),
    )
    for holder in holders:
        if holder.owner_path and holder.owner_path not in (owner_path, *former):
            raise IdentityMismatch(
                f"this instance belongs to {holder.owner_path}",
                why=f"its parts carry that folder's label, not {owner_path}",
                hint="nexusdev ls   show it, and whether its folder is still there\n"
                "nexusdev -i NAME up   choose another name here",
            )
