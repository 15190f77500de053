"""stop, start, restart: act on existing containers; they create and remove nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from nexusdev.context import Context
from nexusdev.deploy import last_up
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.deploy.request import DeployRequest
from nexusdev.deploy.targets import services_of, subset
from nexusdev.deploy.teardown import require_permission
from nexusdev.errors import NotFound
from nexusdev.events import Note
from nexusdev.instance.run_claims import Claims
from nexusdev.interfaces import Runtime
from nexusdev.moved_projects import refuse_moved
from nexusdev.operations.lease_desk import upkeep
from nexusdev.plan import Observation, Restart, Start, Stop
from nexusdev.results import Result


class StopResult(Result, frozen=True, kw_only=True):
    """The services that ``stop`` stopped.

    Attributes:
        notice: Which event may remove their data; '' if there is none.
    """

    stopped: tuple[str, ...]
    notice: str = ""


class StartResult(Result, frozen=True, kw_only=True):
    """The result of ``start`` and ``restart``.

    Attributes:
        changed: False if all services were running already.
        started: The services that were started.
        ready: The components that were waited for, and are ready.
        seconds: Duration, in seconds.
    """

    changed: bool
    started: tuple[str, ...]
    ready: tuple[str, ...]
    seconds: float


def stop(context: Context, names: Sequence[str] = ()) -> StopResult:
    """Stop containers gracefully. All data and all containers are kept. Uses labels only, like ``down``."""
    with hold_lock(context, "nexusdev stop"):
        runtime = context.runtime()
        observation = _existing(context, runtime)
        plan = runtime.plan(Stop(services=services_of(names, observation, command="stop")), observation)
        if plan:
            deployer_of(context, runtime).execute(plan)
    stopped = tuple(step.resource for step in plan.steps)
    notice = runtime.advice.kept_stopped if plan and observation.volumes else ""
    return StopResult(instance=context.identity.name, stopped=stopped, notice=notice)


def start(context: Context, names: Sequence[str] = ()) -> StartResult:
    """Start the stopped services, and wait until they are ready."""
    return _begin(context, names, "start", Start)


def restart(context: Context, names: Sequence[str] = ()) -> StartResult:
    """Stop and start the services, and wait until they are ready."""
    return _begin(context, names, "restart", Restart)


def start_locked(context: Context, names: Sequence[str], *, command: str) -> StartResult:
    """Do what ``start`` does, in a command that holds the instance's lock already. ``command``: its name, for errors."""
    return _started(context, names, command, Start, waited=0.0)


def _begin(context: Context, names: Sequence[str], command: str, intent: type[Start] | type[Restart]) -> StartResult:
    with hold_lock(context, f"nexusdev {command}") as held:
        Claims(root=context.root).give_up(context.identity.name)
        return _started(context, names, command, intent, waited=held.waited)


def _started(
    context: Context, names: Sequence[str], command: str, intent: type[Start] | type[Restart], *, waited: float
) -> StartResult:
    began = context.clock.now()
    instance = context.instance()
    stack = context.stack(instance)
    runtime = context.runtime(stack)
    # What the services run in starts first: what is seen before is only a record of what there was.
    context.provider.provide(stack, {}, lambda text: context.listener.tell(Note(text=text)))
    observation = _existing(context, runtime)
    context.provider.require_clock()
    selected = services_of(names, observation, command=command)
    plan = runtime.plan(intent(services=selected), observation)
    targets = _components_of(selected, observation)
    here = subset(stack, targets, but=[name for name in stack.services if name not in observation.services])
    request = DeployRequest(
        stack=here,
        plan=plan,
        components=[context.components[name] for name in targets],
        access=instance.access(runtime, stack),
        seconds=context.settings.timeout,
        waited=waited,
        seeding=False,
        command=command,
    )
    deployer_of(context, runtime).deploy(request)
    last_up.note_use(instance.folder)
    warnings = upkeep(context, instance, f"nexusdev {command}", started=True)
    took = context.clock.now() - began
    return StartResult(
        instance=instance.name,
        changed=bool(plan),
        started=tuple(plan.started),
        ready=tuple(targets),
        seconds=took,
        warnings=warnings,
    )


def _components_of(selected: Collection[str] | None, observation: Observation) -> tuple[str, ...]:
    """Return the components to wait for: those of the named services, else all. A service that was not named may be stopped on purpose."""
    services = observation.services if selected is None else selected
    return tuple(dict.fromkeys(observation.services[name].component for name in services))


def _existing(context: Context, runtime: Runtime) -> Observation:
    observation = runtime.observe()
    require_permission(context, observation)
    if not observation.services:
        refuse_moved(context)
        raise NotFound(
            f"instance {context.identity.name} has no containers",
            why="it was never started, or nexusdev down removed them",
            hint="nexusdev up   create and start them",
        )
    return observation
