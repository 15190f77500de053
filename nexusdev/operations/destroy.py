"""destroy: removes containers, network, data and the state of the instance."""

from __future__ import annotations

from pathlib import Path

from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock, removes_instance
from nexusdev.deploy.teardown import RemovedResources, removed, require_permission, take_down
from nexusdev.env.file import SIGNATURE
from nexusdev.errors import NexusError
from nexusdev.instance.instance import forget
from nexusdev.instance.places import Presence, look_for
from nexusdev.instance.state import folder_of, read_record
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan import Down, Observation
from nexusdev.results import Result
from nexusdev.util.humanize import pluralize


class DestroyResult(Result, frozen=True, kw_only=True):
    """What ``destroy`` removed.

    Attributes:
        changed: False where there was nothing of the instance.
        removed: What is gone from the runtime.
        state: Whether there were secrets and settings of it; they are gone too.
        env_file: The env file that is gone too; None where there was none of ours.
    """

    changed: bool
    removed: RemovedResources
    state: bool
    env_file: Path | None = None


def question(context: Context) -> str | None:
    """What to ask before; None where there is nothing that could be lost. Raises TeardownIncomplete where others use it."""
    runtime = context.runtime()
    observation = runtime.observe()
    require_permission(context, observation)
    runtime.plan(Down(volumes=True, command="destroy"), observation)
    if not observation.anything and not (context.root / "instances" / context.identity.name).exists():
        refuse_moved(context)
        return None
    more = _to_be_known(context, observation)
    data = f"{pluralize(len(observation.volumes), 'volume')} with all data" if observation.volumes else "no data"
    return f"destroy {context.identity.name}: {pluralize(len(observation.services), 'container')} and {data}{more}?"


def destroy(context: Context) -> DestroyResult:
    """Everything that carries the instance's label, then its state folder and its env file. Twice is the same as once."""
    with hold_lock(context, "nexusdev destroy", beside=removes_instance):
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
    )


def _to_be_known(context: Context, observation: Observation) -> str:
    """Of a project folder that cannot be seen from here: it may come back and miss its data. Of a state that is elsewhere."""
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
    """The env file that we wrote for this instance: nothing in it is true any more."""
    try:
        with file.open(encoding="utf-8", errors="replace") as content:
            first = content.readline()
        if not first.startswith(SIGNATURE) or f"instance {instance};" not in first:
            return None
        file.unlink()
    except (OSError, NexusError):
        return None
    return file
