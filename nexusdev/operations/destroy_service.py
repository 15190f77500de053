"""destroy SERVICE: removes the container and data of one server, if that server can start empty without data loss."""

from __future__ import annotations

from collections.abc import Sequence

from nexusdev.components.capabilities import Resettable
from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock, removes_instance
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.deploy.targets import unknown
from nexusdev.deploy.teardown import RemovedResources, removed, require_gone, require_permission
from nexusdev.errors import UsageError
from nexusdev.instance import volume_marks
from nexusdev.interfaces import Runtime
from nexusdev.plan import Discard, Observation
from nexusdev.results import Result
from nexusdev.stack.model import Stack
from nexusdev.util.humanize import join_names


class DestroyServiceResult(Result, frozen=True, kw_only=True):
    """The resources that ``destroy SERVICE`` removed.

    Attributes:
        changed: False if the services had no resources.
    """

    changed: bool
    removed: RemovedResources


def question(context: Context, names: Sequence[str]) -> str | None:
    """Return the confirmation prompt with all resources that would be removed; None if there are none."""
    stack = context.stack(context.instance())
    runtime = context.runtime()
    observation, intent = _selected(context, names, stack, runtime)
    plan = runtime.plan(intent, observation)
    lost = [f"{name} loses {_data_loss(context, name, stack)}" for name in names]
    return f"destroy {in_words(removed(plan))} ({'; '.join(lost)})?" if plan else None


def discard(context: Context, names: Sequence[str]) -> DestroyServiceResult:
    """Remove the containers and volumes of these services. Idempotent.

    Raises:
        TeardownIncomplete: A resource is left (exit 8).
    """
    with hold_lock(context, "nexusdev destroy", beside=removes_instance):
        instance = context.instance()
        runtime = context.runtime()
        observation, intent = _selected(context, names, context.stack(instance), runtime)
        plan = runtime.plan(intent, observation)
        if plan:
            deployer_of(context, runtime).execute(plan)
            left = runtime.plan(intent)
            require_gone([f"{step.action} {step.resource}" for step in left.steps], command=intent.command)
        volume_marks.strike(instance.folder, [each for several in intent.services.values() for each in several])
    return DestroyServiceResult(instance=context.identity.name, changed=bool(plan), removed=removed(plan))


def in_words(gone: RemovedResources) -> str:
    """Describe the resources: ``container prometheus-0 and volume prometheus-0 with all its data``."""
    containers = [f"container {name}" for name in gone.containers]
    volumes = [f"volume {name} with all its data" for name in gone.volumes]
    return join_names([*containers, *volumes])


def _selected(context: Context, names: Sequence[str], stack: Stack, runtime: Runtime) -> tuple[Observation, Discard]:
    """Return the existing resources, and the intent to remove each service with the volumes that only it mounts."""
    observation = runtime.observe()
    require_permission(context, observation)
    for name in names:
        _require_resettable(context, name, stack)
    volumes = {name: _own_volumes(name, stack) for name in names}
    return observation, Discard(services=volumes, command=f"destroy {' '.join(names)}")


def _require_resettable(context: Context, name: str, stack: Stack) -> None:
    known = [each for each in stack.services if _data_loss(context, each, stack)]
    if name in known:
        return
    if name not in stack.services:
        raise unknown(name, known, kind="service", hint="nexusdev destroy {}")
    raise UsageError(
        f"the data of {name} cannot be destroyed on its own",
        why=f"other servers of {stack.services[name].component} depend on it",
        hint="nexusdev destroy   remove the whole instance; nexusdev up recreates it",
        evidence=(f"can be destroyed on their own: {', '.join(known)}",) if known else (),
    )


def _data_loss(context: Context, service: str, stack: Stack) -> str:
    owner = context.components.get(stack.services[service].component)
    return owner.data_loss(stack.services[service]) if isinstance(owner, Resettable) else ""


def _own_volumes(name: str, stack: Stack) -> tuple[str, ...]:
    others = {mount.volume for each in stack.services.values() if each.name != name for mount in each.volumes}
    return tuple(mount.volume for mount in stack.services[name].volumes if mount.volume not in others)
