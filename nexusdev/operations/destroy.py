"""destroy: removes containers, network, data and the state of the instance."""

from __future__ import annotations

from pathlib import Path

from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock, removes_instance
from nexusdev.deploy.other_engine import require_here
from nexusdev.deploy.teardown import RemovedResources, removed, require_permission, take_down
from nexusdev.env.file import SIGNATURE
from nexusdev.errors import NexusError
from nexusdev.instance.instance import forget
from nexusdev.instance.project_places import Presence, look_for
from nexusdev.instance.state import folder_of, read_record
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan import Down, Observation
from nexusdev.results import Result
from nexusdev.util.humanize import pluralize


class DestroyResult(Result, frozen=True, kw_only=True):
    """The resources that ``destroy`` removed.

    Attributes:
        changed: False if nothing of the instance existed.
        removed: The removed resources of the runtime.
        state: Whether the state folder with secrets and settings existed; it was removed too.
        env_file: The env file that was removed; None if nexusdev had written none.
        kept_state: Its state folder in another state root, which was kept; '' if there is none.
        snapshot: The snapshot that was taken before; '' for none.
    """

    changed: bool
    removed: RemovedResources
    state: bool
    env_file: Path | None = None
    kept_state: str = ""
    snapshot: str = ""


def takes_snapshot(context: Context, *, asked: bool | None = None) -> bool:
    """Return whether ``destroy`` takes a snapshot first.

    By default it does, except in CI: there nobody comes back for the data, and a job would pay for it with time and disk each time.

    Args:
        context: The context of the command.
        asked: What the user asked for; None for the default.
    """
    return not context.environ.get("CI") if asked is None else asked


def question(context: Context) -> str | None:
    """Return the confirmation prompt; None if there is no data to lose.

    Raises:
        TeardownIncomplete: Other containers use the resources.
    """
    runtime = context.runtime()
    observation = runtime.observe()
    require_permission(context, observation)
    require_here(context, observation)
    runtime.plan(Down(volumes=True, command="destroy"), observation)
    if not observation.anything and not (context.root / "instances" / context.identity.name).exists():
        refuse_moved(context)
        return None
    more = _to_be_known(context, observation)
    data = f"{pluralize(len(observation.volumes), 'volume')} with all data" if observation.volumes else "no data"
    return f"destroy {context.identity.name}: {pluralize(len(observation.services), 'container')} and {data}{more}?"


def destroy(context: Context, *, snapshot: bool = False) -> DestroyResult:
    """Remove all resources with the instance's label, then its state folder and its env file. Idempotent.

    Args:
        context: The context of the command.
        snapshot: Whether to take a snapshot first (see ``takes_snapshot`` for what the command line does).

    Returns:
        The removed resources; ``changed`` is False if nothing existed.

    Raises:
        TeardownIncomplete: Other containers use a resource that must be removed (nothing is removed then), or a resource is left.
        IdentityMismatch: The instance belongs to another folder, which still exists, or is in another engine (OTHER_ENGINE).
        InvalidState: The snapshot failed (SNAPSHOT_FAILED); nothing is removed then.
        Locked: Another command changes the instance.
    """
    with hold_lock(context, "nexusdev destroy", beside=removes_instance):
        observation = context.runtime().observe()
        require_here(context, observation)
        elsewhere = observation.state_path
        require_permission(context, observation)
        saved = _saved(context) if snapshot else ""
        plan = take_down(context, volumes=True)
        known = forget(context.identity, root=context.root)
        # still locked: an `up` that waits for the lock writes a new file
        file = _remove_env_file(context.settings.env_file, context.identity.name)
    return DestroyResult(
        instance=context.identity.name,
        changed=bool(plan or known),
        removed=removed(plan),
        state=bool(known),
        env_file=file,
        kept_state="" if known or not plan else elsewhere,
        snapshot=saved,
    )


def _saved(context: Context) -> str:
    from nexusdev.operations.snapshot import before_destroy

    found = before_destroy(context)
    return found.name if found else ""


def _to_be_known(context: Context, observation: Observation) -> str:
    """Return notes about a project folder that cannot be accessed now and may reappear, or about state in another folder."""
    try:
        record = read_record(folder_of(context.root, context.identity.name))
    except NexusError:
        return ""
    if record is None and (path := observation.state_path):
        return f" (its state in {path} is kept)"
    if record is None or record.owner == str(context.identity.project):
        return ""
    sight = look_for(Path(record.owner), record.place)
    return f" (its project folder {record.owner} {sight.why})" if sight.presence is Presence.UNKNOWN else ""


def _remove_env_file(file: Path, instance: str) -> Path | None:
    """Remove the env file that nexusdev wrote for this instance, because its values are no longer valid."""
    try:
        with file.open(encoding="utf-8", errors="replace") as content:
            first = content.readline()
        if not first.startswith(SIGNATURE) or f"instance {instance};" not in first:
            return None
        file.unlink()
    except (OSError, NexusError):
        return None
    return file
