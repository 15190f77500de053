"""Plans an intent on a cluster: chooses the planner, and refuses what belongs to others. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection

from msgspec.structs import replace

from nexusdev.errors import IdentityMismatch, NexusError, PreflightFailed, TeardownIncomplete
from nexusdev.plan import Discard, Down, Halt, Intent, Plan, RemoveOneOffs, Restart, Start, Stop, Up
from nexusdev.runtimes.kubernetes.desired import Desired
from nexusdev.runtimes.kubernetes.names import InstanceNames, instance_of
from nexusdev.runtimes.kubernetes.plan.lifecycle import plan_halt, plan_restart, plan_start, plan_stop
from nexusdev.runtimes.kubernetes.plan.planner import plan_up
from nexusdev.runtimes.kubernetes.plan.teardown import delete_pods, plan_discard, plan_down, refuse_users, without
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot
from nexusdev.stack.model import Stack
from nexusdev.stack.order import closure

_FRESH = "its component starts with empty data"
#: Renders a stack with these services.
Render = Callable[[Stack, Collection[str]], Desired]


def plan_for(  # noqa: PLR0911 - one per intent
    intent: Intent, seen: ClusterSnapshot, names: InstanceNames, render: Render, *, adopts: bool = False
) -> Plan:
    """Return the steps that fulfil an intent.

    Args:
        intent: The requested change.
        seen: What exists.
        names: The instance.
        render: Returns what shall exist, for ``Up``.
        adopts: Whether a namespace that nexusdev did not make may be used.

    Raises:
        IdentityMismatch: The instance or the namespace belongs to somebody else.
        NotFound: A named service does not exist.
        PreflightFailed, TeardownIncomplete: Foreign pods mount a volume that would be deleted.
    """
    match intent:
        case Up():
            return _up(intent, seen, names, render, adopts=adopts)
        case Down(volumes=volumes, reason=reason, command=command):
            refuse_users(seen, seen.claims if volumes else (), TeardownIncomplete, command)
            return plan_down(seen, volumes=volumes, project=names.project, cause=reason)
        case Discard(services=services, reason=reason, command=command):
            kind: type[NexusError] = PreflightFailed if command.startswith("up") else TeardownIncomplete
            refuse_users(seen, [name for several in services.values() for name in several], kind, command)
            return plan_discard(seen, services, cause=reason)
        case Stop(services=named):
            return plan_stop(seen, named)
        case Start(services=named):
            return plan_start(seen, named)
        case Restart(services=named):
            return plan_restart(seen, named)
        case Halt(service=name, reason=reason):
            return plan_halt(seen, name, reason)
        case RemoveOneOffs(names=wanted, reason=reason):
            there = [each.name for each in seen.pods if each.ours and each.one_off and each.name in wanted]
            return Plan(steps=tuple(delete_pods(there, reason)))


def _up(intent: Up, seen: ClusterSnapshot, names: InstanceNames, render: Render, *, adopts: bool) -> Plan:
    _require_ownership(seen, names, intent.former, adopts=adopts)
    refuse_users(seen, [name for several in intent.discard.values() for name in several], PreflightFailed, "up")
    first = plan_discard(seen, intent.discard, cause=_FRESH)
    rest = without(seen, first)
    wanted = render(_everything(intent.stack, names.stack), _wanted(intent, rest))
    _refuse_foreign_objects(wanted, seen, names)
    return Plan(steps=(*first.steps, *plan_up(intent, wanted, rest).steps))


def _refuse_foreign_objects(wanted: Desired, seen: ClusterSnapshot, names: InstanceNames) -> None:
    """Refuse to overwrite what somebody else has in a namespace that nexusdev did not make. A claim is refused when it would be made."""
    objects = [*wanted.base, *(each for unit in wanted.units.values() for each in unit.objects)]
    objects += [unit.secret for unit in wanted.units.values() if unit.secret]
    taken = [key for each in objects if (key := f"{each['kind']}/{each['metadata']['name']}") in seen.foreign]
    if taken:
        kind, _, name = taken[0].partition("/")
        raise IdentityMismatch(
            f"{kind} {name} of namespace {names.namespace} belongs to somebody else",
            why="it has no label of this instance, which needs this name; nexusdev does not touch foreign objects",
            hint=f"kubectl describe {kind.lower()} {name} --namespace {names.namespace}   show it\n"
            "nexusdev up --namespace NAME   use a namespace without such objects",
            evidence=taken,
            code="FOREIGN_OBJECT",
        )


def _everything(wanted: Stack, known: Stack | None) -> Stack:
    """Return the stack with the services that are left out this time, too: others say that they connect to them."""
    if known is None:
        return wanted
    return replace(wanted, services={**known.services, **wanted.services})


def _wanted(intent: Up, seen: ClusterSnapshot) -> frozenset[str]:
    """Return the services that shall run; with ``only`` also those that exist and nobody minds."""
    services = intent.stack.services
    if intent.only is None:
        return frozenset(services) - set(intent.unwanted)
    chosen = closure(services, [each.name for each in services.values() if each.component in intent.only])
    beside = {
        name
        for workload in seen.workloads.values()
        if any(each in chosen for each in workload.services)
        for name in workload.services
    }
    return (chosen | beside) - set(intent.unwanted)


def _require_ownership(seen: ClusterSnapshot, names: InstanceNames, former: Collection[str], *, adopts: bool) -> None:
    others = sorted(owner for owner in seen.owners if owner not in (names.owner_path, *former))
    if others:
        raise IdentityMismatch(
            f"this instance belongs to {others[0]}",
            why=f"its objects are annotated with that folder, not {names.owner_path}",
            hint="nexusdev ls   show it and its folder\nnexusdev -i NAME up   use another name here",
        )
    found = seen.namespace
    if found is None or found.project == names.project or (not found.project and adopts):
        return
    raise IdentityMismatch(
        f"namespace {names.namespace} does not belong to this instance",
        why=f"it is that of instance {instance_of(found.project)}" if found.project else "nexusdev did not make it",
        hint=f"kubectl describe namespace {names.namespace}   show it\n"
        "nexusdev up --namespace NAME   use another one (runtime kubernetes)",
        code="FOREIGN_NAMESPACE",
    )
