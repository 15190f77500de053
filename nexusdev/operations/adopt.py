"""adopt: makes this folder the owner of the instance that it had before it was moved. Data, secrets, ports and containers stay."""

from __future__ import annotations

from pathlib import Path

from nexusdev.context import Context
from nexusdev.errors import IdentityMismatch, NotFound
from nexusdev.instance import owners, state
from nexusdev.instance.identity import Identity
from nexusdev.instance.instance import forget, locked
from nexusdev.instance.naming import name_of
from nexusdev.instance.state import Record
from nexusdev.moved_projects import Earlier, earlier, refuse_stateless, weigh
from nexusdev.results import Result
from nexusdev.util.humanize import join_names


class AdoptResult(Result, frozen=True, kw_only=True):
    """The new and the former owner of an instance.

    Attributes:
        adopted: False if the instance already belonged to this folder.
        former: The folder that it belonged to.
        project: The folder that it belongs to.
        containers: Number of its containers.
        volumes: Number of its volumes.
    """

    adopted: bool
    project: Path
    former: str = ""
    containers: int = 0
    volumes: int = 0


def question(context: Context) -> str | None:
    """Return the confirmation prompt; None if the owner's folder certainly is this one or no longer exists."""
    found = _meant(context)
    if found is None or found.certain or found.still_there:
        return None
    return (
        f"adopt {found.record.name}: its folder {found.record.owner} {found.sight.why}. "
        f"Is {context.identity.project} the same project?"
    )


def adopt(context: Context) -> AdoptResult:
    """Make the current project folder the owner of the instance. Idempotent.

    Returns:
        The result. Labels of containers and volumes keep the old path, which the record stores.

    Raises:
        NotFound: This folder had no instance under another path, and none was named.
        IdentityMismatch: The owner's folder still exists, or this folder has its own instance with data.
    """
    found = _meant(context)
    project = context.identity.project
    if found is None:
        return AdoptResult(instance=context.identity.name, adopted=False, project=project)
    name = found.record.name
    with locked(Identity(name=name, project=project), "nexusdev adopt", root=context.root):
        _require_free(context, found)
        owners.hand_over(found.record, project, root=context.root)
    existing = context.provider.inventory().of(name)
    return AdoptResult(
        instance=name,
        adopted=True,
        former=found.record.owner,
        project=project,
        containers=len(existing.services) + len(existing.one_offs),
        volumes=len(existing.volumes),
    )


def _meant(context: Context) -> Earlier | None:
    """Return the instance to adopt: the named one, else the one in the env file; None if it already belongs to this folder."""
    identity = context.identity
    if not identity.explicit and (found := earlier(context)):
        return found
    record = state.read_record(state.folder_of(context.root, identity.name))
    if record is None:
        refuse_stateless(context)
        raise _nothing(context)
    return None if record.owner == str(identity.project) else weigh(record, identity.project)


def _nothing(context: Context) -> NotFound:
    file, name = context.settings.env_file, context.identity.name
    return NotFound(
        f"instance {name} not found" if context.identity.explicit else "there is nothing to adopt",
        why=f"{context.root} has no state for it"
        if context.identity.explicit
        else f"{file} does not name an instance of another folder",
        hint="nexusdev ls   show all instances\nnexusdev -i NAME adopt   adopt an instance by name",
    )


def _require_free(context: Context, found: Earlier) -> None:
    """Raise an error if the instance is in use by another folder, or if the adoption would hide an instance of this folder."""
    if found.still_there:
        owner = found.record.owner
        raise IdentityMismatch(
            f"instance {found.record.name} belongs to {owner}, which still exists",
            why=f"{context.identity.project} is a different folder, such as a copy or a second checkout",
            hint=f"nexusdev -C {owner} status   use the instance from that folder\n{_own_way(context, found.record)}",
            code="ADOPT_REFUSED",
        )
    own = name_of(context.identity.project, context.root)
    if own == found.record.name or not _is_own(context, own):
        return
    existing = context.provider.inventory().of(own)
    things = [each.split()[-1] for each in existing.objects if each not in existing.others]
    if things:
        raise IdentityMismatch(
            f"this folder already has an instance: {own}",
            why=f"it has {join_names(things[:3])}{' and more' if things[3:] else ''}, which would become orphaned",
            hint=f"nexusdev -i {own} destroy   remove it and its data, then: nexusdev -i {found.record.name} adopt\n"
            f"nexusdev -i {own} up   keep using it, without {found.record.name}",
            code="ADOPT_REFUSED",
        )
    forget(Identity(name=own, project=context.identity.project), root=context.root)


def _own_way(context: Context, record: Record) -> str:
    """Return the command that creates an instance for this folder; its requested name may be in use."""
    own = name_of(context.identity.project, context.root)
    name = f"-i {record.name[:30]}-2 " if context.identity.name == record.name and context.identity.explicit else ""
    return f"nexusdev {name}up   create {'one' if name else own} for this folder"


def _is_own(context: Context, name: str) -> bool:
    record = state.read_record(state.folder_of(context.root, name))
    return record is not None and Path(record.owner) == context.identity.project
