"""destroy: remove containers, network, data, and what nexusdev knows of the instance."""

from __future__ import annotations

from pathlib import Path

from nexusdev.context import Context
from nexusdev.deploy.teardown import removed, require_permission, take_down
from nexusdev.deploy.turns import turn, what_takes_down
from nexusdev.env.file import SIGNATURE
from nexusdev.errors import NexusError
from nexusdev.instance.instance import forget
from nexusdev.instance.places import Presence, look_for
from nexusdev.instance.state import folder_of, read_record
from nexusdev.moved_projects import refuse_moved
from nexusdev.plan.ownership import refuse_strangers
from nexusdev.plan.planner import plan_down
from nexusdev.plan.snapshot import Snapshot
from nexusdev.results import Outcome
from nexusdev.util.humanize import pluralize


def question(context: Context) -> str | None:
    """What to ask before; None where there is nothing that could be lost. Raises TeardownIncomplete where others use it."""
    snapshot = context.runtime().observe()
    require_permission(context, snapshot)
    refuse_strangers(plan_down(snapshot, volumes=True), snapshot, command="destroy")
    if not _anything(snapshot) and not (context.root / "instances" / context.identity.name).exists():
        refuse_moved(context)
        return None
    more = _to_be_known(context, snapshot)
    data = f"{pluralize(len(snapshot.volumes), 'volume')} with all data" if snapshot.volumes else "no data"
    return f"destroy {context.identity.name}: {pluralize(len(snapshot.containers), 'container')} and {data}{more}?"


def destroy(context: Context) -> Outcome:
    """Everything that carries the instance's label, then its state folder and its env file. Twice is the same as once."""
    with turn(context, "nexusdev destroy", beside=what_takes_down):
        plan = take_down(context, volumes=True)
        known = forget(context.identity, root=context.root)
        # still locked: an `up` that waits for us writes a new one
        file = _remove_env_file(context.settings.env_file, context.identity.name)
    gone = removed(plan)
    words = (
        f"destroyed: {pluralize(len(gone['containers']), 'container')}, {pluralize(len(gone['volumes']), 'volume')}, secrets and settings"
        if plan or known
        else "nothing to do: there is nothing of this instance"
    )
    data = {"removed": gone, "state": known, "env_file": str(file) if file else ""}
    return Outcome(instance=context.identity.name, data=data, output=(words,))


def _state_of(snapshot: Snapshot) -> str:
    told = [each.state_path for each in snapshot.containers.values()]
    told += [each.state_path for each in snapshot.volumes.values()]
    return next((path for path in told if path), "")


def _to_be_known(context: Context, snapshot: Snapshot) -> str:
    """Of a project folder that cannot be seen from here: it may come back and miss its data. Of a state that is elsewhere."""
    try:
        record = read_record(folder_of(context.root, context.identity.name))
    except NexusError:
        return ""
    if record is None and (path := _state_of(snapshot)):
        return f" (its state is in {path}, and stays there)"
    if record is None or record.owner == str(context.identity.project):
        return ""
    sight = look_for(Path(record.owner), record.place)
    return f" (its project folder {record.owner} {sight.why})" if sight.presence is Presence.UNKNOWN else ""


def _anything(snapshot: Snapshot) -> bool:
    return bool(snapshot.containers or snapshot.orphans or snapshot.volumes or snapshot.network)


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
