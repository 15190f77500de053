"""reset: puts the data of running servers back to the seeded baseline, the project's own seeds included. No container is restarted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol, cast

from nexusdev import __version__
from nexusdev.components.baseline import Baseline, HasBaseline
from nexusdev.components.contract import Change, Component, SeedFile
from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.seed_files import collect, name_backups
from nexusdev.deploy.targets import require_components
from nexusdev.errors import Degraded, Locked, NexusError, NotFound, UsageError
from nexusdev.events import Seeded
from nexusdev.instance import interruptions
from nexusdev.instance.instance import Instance
from nexusdev.instance.interruptions import UnfinishedChange
from nexusdev.interfaces import InstanceAccess
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.status.probes import ProbeRunner
from nexusdev.util.humanize import join_names, pluralize
from nexusdev.util.parallel import together


class ResetResult(Result, frozen=True, kw_only=True):
    """What ``reset`` did.

    Attributes:
        changes: Component → each change in words.
        seconds: Duration, in seconds.
    """

    changes: Mapping[str, tuple[str, ...]]
    seconds: float


class _Part(Component, HasBaseline, Protocol):
    """A component whose data can be reset."""


def question(context: Context, names: Sequence[str] = ()) -> str:
    """Return the confirmation prompt."""
    what = join_names(names) if names else "all components"
    return f"reset {context.identity.name}: replace the data of {what} by the seeds?"


def reset(context: Context, names: Sequence[str] = (), *, force: bool = False) -> ResetResult:
    """Replace the data of these components (default: all that run and have data) by what seeding makes of empty servers.

    Args:
        context: The context of the command.
        names: Components.
        force: Also with clients connected; those of PostgreSQL are disconnected.

    Returns:
        What changed.

    Raises:
        UsageError: A name is unknown, or the component has no data.
        NotFound: A component does not run.
        Degraded: A component is not ready; nothing was changed.
        Locked: Clients are connected (CLIENTS_CONNECTED); nothing was changed. Or another command works on the instance.
        SeedingFailed: A server rejects a change, or a seed file fails. ``nexusdev reset`` finishes what is missing.
    """
    require_components(names, context.components, command="reset")
    with hold_lock(context, "nexusdev reset"):
        began = context.clock.now()
        instance = context.instance()
        stack = context.stack(instance)
        parts = _parts(context, stack, names, instance)
        runtime = context.runtime(stack)
        access = instance.access(runtime, stack)
        _require_ready(access, parts)
        if not force:
            _require_alone(access, parts)
        name_backups(context)
        changes = _reset(context, instance, stack, access, parts)
        took = context.clock.now() - began
    return ResetResult(instance=instance.name, changes=changes, seconds=took)


def _parts(context: Context, stack: Stack, names: Sequence[str], instance: Instance) -> Mapping[str, _Part]:
    """Return the components to reset. After an interruption its own are among them: they have to be finished."""
    able = {name: each for name in stack.components if isinstance(each := context.components[name], HasBaseline)}
    if without := [name for name in names if name not in able]:
        raise UsageError(
            f"{without[0]} has no data to reset", why=f"components with data: {', '.join(able)}", hint="nexusdev reset"
        )
    unfinished = interruptions.read(instance.folder)
    wanted = {*names, *(unfinished.components if unfinished else ())} if names else set(able)
    running = context.runtime(stack).observe().running_components
    absent = [name for name in (names or ()) if name not in running]
    if absent or not wanted & running:
        raise NotFound(f"{absent[0] if absent else 'the stack'} is not running", hint="nexusdev up   start and seed it")
    return {name: cast("_Part", each) for name, each in able.items() if name in wanted and name in running}


def _require_ready(access: InstanceAccess, parts: Mapping[str, _Part]) -> None:
    found = ProbeRunner(access).begin(parts.values()).results(parts)
    if missing := [f"{name}: {each.readiness.missing}" for name, each in found.items() if not each.readiness.ready]:
        raise Degraded(
            f"nothing was reset: {missing[0].partition(':')[0]} is not ready",
            why="data is only replaced in servers that are all well",
            hint="nexusdev status   show what is wrong\nnexusdev up       repair it",
            evidence=missing,
        )


def _require_alone(access: InstanceAccess, parts: Mapping[str, _Part]) -> None:
    found = together({name: partial(each.connected_clients, access) for name, each in parts.items()})
    clients = [f"{name}: {client}" for name, each in found.items() for client in each]
    if clients:
        raise Locked(
            f"nothing was reset: {pluralize(len(clients), 'client')} of your own {'is' if len(clients) == 1 else 'are'} connected",
            why="a program that runs would find its data replaced under its feet",
            hint="nexusdev reset --force   reset nevertheless; sessions of PostgreSQL are ended",
            evidence=clients,
            code="CLIENTS_CONNECTED",
        )


def _reset(
    context: Context, instance: Instance, stack: Stack, access: InstanceAccess, parts: Mapping[str, _Part]
) -> Mapping[str, tuple[str, ...]]:
    """Reset all parts at once. The record of the interruption stays if one of them fails."""
    files = collect(context.settings.seed, stack.components)
    interruptions.begin(instance.folder, UnfinishedChange(kind="reset", components=tuple(parts)))
    published = [context.components[name] for name in stack.components]
    tasks = {
        name: partial(_reset_part, context, each, published, access, files.get(name, ()))
        for name, each in parts.items()
    }
    try:
        changes = together(tasks)
    except NexusError as error:
        again = "nexusdev reset   finish it, once the cause is removed"
        error.hint = f"{error.hint}\n{again}" if error.hint else again
        raise
    interruptions.end(instance.folder)
    return changes


def _reset_part(
    context: Context,
    part: _Part,
    all_components: Sequence[Component],
    access: InstanceAccess,
    files: Sequence[SeedFile],
) -> tuple[str, ...]:
    began = context.clock.now()

    def seed() -> Sequence[Change]:
        credentials = {each.name: each.credentials(access) for each in all_components}
        return [*part.seed(access, credentials), *(part.apply(access, files) if files else ())]

    baseline = Baseline(fingerprint=_fingerprint(files), seed=seed)
    words = tuple(change.what for change in part.reset_data(access, baseline))
    context.listener.tell(Seeded(component=part.name, changes=words, elapsed=context.clock.now() - began))
    return words


def _fingerprint(files: Sequence[SeedFile]) -> str:
    """Return a hash over everything that the seeds depend on."""
    facts = (__version__, [(file.path, file.sha256) for file in files])
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()
