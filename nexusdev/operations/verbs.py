"""stop, start, restart: of what is there. Nothing is made, nothing removed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from nexusdev.errors import NotFound
from nexusdev.job import Job
from nexusdev.operations.context import Context
from nexusdev.operations.moved import refuse_moved
from nexusdev.operations.outcome import Block, Outcome, Text
from nexusdev.operations.selection import limited, services_of
from nexusdev.operations.teardown import component_of, engine_of, require_permission
from nexusdev.operations.turn import turn
from nexusdev.plan.planner import plan_restart, plan_start, plan_stop
from nexusdev.plan.snapshot import Snapshot
from nexusdev.plan.steps import Act, Plan
from nexusdev.ports import Runtime
from nexusdev.words import counted, duration, listed

_EXPOSED = Text("docker system prune --volumes may remove stopped containers, and then their data", "dim")


def stop(context: Context, names: Sequence[str] = ()) -> Outcome:
    """Stop containers in peace; all data and all containers stay. By label alone, like ``down``."""
    with turn(context, "nexusdev stop"):
        runtime = context.runtime()
        snapshot = _existing(context, runtime)
        plan = plan_stop(snapshot, services_of(names, snapshot, command="stop"))
        if plan:
            engine_of(context, runtime).carry_out(plan, component_of=component_of(snapshot))
    stopped = [step.subject for step in plan.steps]
    words = f"stopped {counted(len(stopped), 'container')}" if plan else "nothing to do: nothing of it runs"
    says: tuple[Block, ...] = (words, *([_EXPOSED] if plan and snapshot.volumes else []))
    return Outcome(instance=context.identity.name, data={"stopped": stopped}, says=says)


def start(context: Context, names: Sequence[str] = ()) -> Outcome:
    """Start what is stopped, and wait until it is ready."""
    return _begin(context, names, "start", plan_start)


def restart(context: Context, names: Sequence[str] = ()) -> Outcome:
    """Stop and start, and wait until it is ready."""
    return _begin(context, names, "restart", plan_restart)


def _begin(
    context: Context,
    names: Sequence[str],
    command: str,
    planner: Callable[[Snapshot, Collection[str] | None], Plan],
) -> Outcome:
    with turn(context, f"nexusdev {command}") as held:
        began = context.clock.now()
        instance = context.instance()
        stack = context.stack(instance)
        runtime = context.runtime(stack)
        snapshot = _existing(context, runtime)
        chosen = services_of(names, snapshot, command=command)
        plan = planner(snapshot, chosen)
        meant = _components_of(chosen, snapshot)
        here = limited(stack, meant, but=[name for name in stack.services if name not in snapshot.containers])
        job = Job(
            stack=here,
            plan=plan,
            components=[context.components[name] for name in meant],
            site=instance.site(runtime, stack),
            seconds=context.settings.timeout,
            waited=held.waited,
            seeding=False,
            command=command,
        )
        engine_of(context, runtime).bring_up(job)
    took = context.clock.now() - began
    started = [step.subject for step in plan.steps if step.act in (Act.START, Act.UNPAUSE)]
    words = (
        f"started {counted(len(started), 'container')}; {listed(meant)} ready after {duration(took)}"
        if plan
        else f"nothing to do: {listed(meant)} ready"
    )
    return Outcome(
        instance=instance.name, data={"started": started, "ready": list(meant), "seconds": took}, says=(words,)
    )


def _components_of(chosen: Collection[str] | None, snapshot: Snapshot) -> tuple[str, ...]:
    """Whom to wait for: the components of what was named, else everybody. What nobody named may be broken on purpose."""
    services = snapshot.containers if chosen is None else chosen
    return tuple(dict.fromkeys(snapshot.containers[name].component for name in services))


def _existing(context: Context, runtime: Runtime) -> Snapshot:
    snapshot = runtime.observe()
    require_permission(context, snapshot)
    if not snapshot.containers:
        refuse_moved(context)
        raise NotFound(
            f"instance {context.identity.name} has no containers",
            why="it was never started from here, or nexusdev down removed them",
            hint="nexusdev up   make and start them",
        )
    return snapshot
