"""Plans the steps from what exists to what shall exist. Pure.

The unit is a group of pods with everything that belongs to it. Objects are compared by the hash with which they were applied, pods by the
hash of what they are made from: a changed Service starts nothing again.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from nexusdev.plan import Phase, Plan, Step, Up
from nexusdev.runtimes.kubernetes.desired import Desired, Unit
from nexusdev.runtimes.kubernetes.names import CHECKSUM
from nexusdev.runtimes.kubernetes.observation import NO_IMAGE, service_phase
from nexusdev.runtimes.kubernetes.plan.lifecycle import restart, resume, start
from nexusdev.runtimes.kubernetes.plan.steps import POLICIES, KubernetesAction, KubernetesStep, pods_in, running_in
from nexusdev.runtimes.kubernetes.plan.teardown import delete_groups, groups_of
from nexusdev.runtimes.kubernetes.render.manifest import Manifest
from nexusdev.runtimes.kubernetes.snapshot import ClusterSnapshot, Workload

_CHANGED = "its definition, image, configuration or a secret changed"
_MISSING = "it does not exist"
_NEED_A_NEW_POD = (Phase.RESTARTING, Phase.FAILED)


def plan_up(intent: Up, wanted: Desired, seen: ClusterSnapshot) -> Plan:
    """Return the steps after which everything that is wanted exists and runs.

    Args:
        intent: The intent of ``up``.
        wanted: What shall exist.
        seen: What exists, without what ``intent.discard`` removes.
    """
    removals = delete_groups(seen, _unwanted(intent, wanted, seen), "it is no longer in the stack")
    removals = [replace(step, reason=_reason(intent, seen, step)) for step in removals]
    base = _base_steps(wanted, seen)
    before = tuple(step.resource for step in (*removals, *base))
    steps: list[Step] = [*removals, *base]
    for unit in wanted.units.values():
        volumes = _volume_steps(unit, seen, tuple(step.resource for step in base))
        after = (*before, *(step.resource for step in volumes))
        steps += [*volumes, *(replace(step, after=after) for step in _unit_steps(unit, seen, intent))]
    return Plan(steps=tuple(steps))


def _unwanted(intent: Up, wanted: Desired, seen: ClusterSnapshot) -> list[str]:
    """Return the groups that go: with ``only`` those alone of which every service is unwanted."""
    extra = [name for name in groups_of(seen) if name not in wanted.units]
    if intent.only is None:
        return extra
    return [
        name
        for name in extra
        if name in seen.workloads and set(seen.workloads[name].services) <= intent.unwanted.keys()
        if seen.workloads[name].services
    ]


def _reason(intent: Up, seen: ClusterSnapshot, step: Step) -> str:
    services = seen.workloads[step.resource].services if step.resource in seen.workloads else ()
    return next((intent.unwanted[name] for name in services if name in intent.unwanted), step.reason)


def _base_steps(wanted: Desired, seen: ClusterSnapshot) -> list[KubernetesStep]:
    steps = []
    if seen.namespace is None or seen.namespace.terminating:
        reason = _MISSING if seen.namespace is None else "it is being deleted"
        steps.append(
            KubernetesStep(
                action=KubernetesAction.CREATE_NAMESPACE,
                resource="namespace",
                reason=reason,
                objects=(wanted.namespace,),
            )
        )
    if reason := _difference(wanted.base, seen):
        steps.append(
            KubernetesStep(
                action=KubernetesAction.APPLY_POLICIES,
                resource=POLICIES,
                reason=reason,
                objects=wanted.base,
                after=tuple(step.resource for step in steps),
            )
        )
    return steps


def _volume_steps(unit: Unit, seen: ClusterSnapshot, after: tuple[str, ...]) -> list[KubernetesStep]:
    return [
        KubernetesStep(
            action=KubernetesAction.CREATE_VOLUME,
            resource=volume,
            reason=_MISSING,
            objects=(claim,),
            after=after,
            makes_volumes=(volume,),
        )
        for volume, claim in unit.claims.items()
        if volume not in seen.claims
    ]


def _unit_steps(unit: Unit, seen: ClusterSnapshot, intent: Up) -> list[KubernetesStep]:
    workload = seen.workloads.get(unit.name)
    if workload is None or workload.kind != unit.kind:
        return [_apply(unit, _MISSING, starts=unit.services)]
    if workload.template != unit.template or workload.size != unit.replicas:
        return [_replaced(unit, workload, seen, _template_reason(workload, intent))]
    reason = _difference(unit.objects, seen) or _secret_difference(unit, seen)
    steps = [_apply(unit, reason)] if reason else []
    return [*steps, *_member_steps(workload, seen)]


def _member_steps(workload: Workload, seen: ClusterSnapshot) -> list[KubernetesStep]:
    """Return the steps after which every member runs, as it is defined now."""
    phases = {ordinal: _phases(workload, ordinal, seen) for ordinal in range(workload.size)}
    outdated = [each for each in phases if _is_outdated(workload, each, seen)]
    stopped = [each for each in phases if _is_held(workload, each, seen) or Phase.STOPPED in phases[each]]
    broken = [each for each in phases if each not in stopped and set(phases[each]) & set(_NEED_A_NEW_POD)]
    steps = []
    if stopped:
        steps.append(start(seen, workload, stopped, _why_stopped(workload, stopped, seen)))
    if again := sorted({*broken, *outdated} - set(stopped)):
        steps.append(restart(seen, workload, again, "it crashed" if broken else "its pod is outdated"))
    if paused := [each for each in phases if Phase.SUSPENDED in phases[each] and each not in again]:
        steps.append(resume(seen, workload, paused))
    return steps


def _phases(workload: Workload, ordinal: int, seen: ClusterSnapshot) -> tuple[Phase, ...]:
    pod = seen.pod_of(workload, ordinal)
    found = [service_phase(workload, ordinal, each.container, pod) for each in workload.containers]
    if not found and pod is None and ordinal >= workload.replicas:
        return (Phase.STOPPED,)
    return tuple(Phase.FAILED if word in NO_IMAGE else phase for phase, word in found)


def _is_outdated(workload: Workload, ordinal: int, seen: ClusterSnapshot) -> bool:
    pod = seen.pod_of(workload, ordinal)
    return pod is not None and not pod.terminating and not pod.held and pod.template != workload.template


def _is_held(workload: Workload, ordinal: int, seen: ClusterSnapshot) -> bool:
    pod = seen.pod_of(workload, ordinal)
    return pod is not None and pod.held


def _why_stopped(workload: Workload, ordinals: Iterable[int], seen: ClusterSnapshot) -> str:
    for ordinal in ordinals:
        pod = seen.pod_of(workload, ordinal)
        for container in pod.containers.values() if pod else ():
            if container.ended and container.ended.code not in (0, 143):
                return f"it exited with code {container.ended.code}"
    return "it is stopped"


def _replaced(unit: Unit, workload: Workload, seen: ClusterSnapshot, reason: str) -> KubernetesStep:
    members = range(workload.size)
    step = _apply(unit, reason, starts=unit.services)
    return replace(
        step,
        ends=running_in(seen, workload, members),
        pods=tuple(pod.name for pod in pods_in(seen, workload, members)),
    )


def _template_reason(workload: Workload, intent: Up) -> str:
    return next((intent.unwanted[name] for name in workload.services if name in intent.unwanted), _CHANGED)


def _apply(unit: Unit, reason: str, *, starts: Iterable[str] = ()) -> KubernetesStep:
    started = frozenset(starts)
    return KubernetesStep(
        action=KubernetesAction.APPLY,
        resource=unit.name,
        reason=reason,
        component=unit.component,
        unit=unit,
        starts=started,
        images=unit.images if started or not unit.services else (),
    )


def _difference(objects: Iterable[Manifest], seen: ClusterSnapshot) -> str:
    """Return which object is missing or was applied as something else; '' for none."""
    for each in objects:
        kind, name = each["kind"], each["metadata"]["name"]
        found = seen.checksums.get(f"{kind}/{name}")
        if found is None:
            return f"{kind} {name} is missing"
        if found != each["metadata"]["labels"][CHECKSUM]:
            return f"{kind} {name} differs"
    return ""


def _secret_difference(unit: Unit, seen: ClusterSnapshot) -> str:
    if unit.secret and f"Secret/{unit.name}" not in seen.checksums:
        return f"Secret {unit.name} is missing"
    return (
        f"Secret {unit.name} differs"
        if unit.secret and seen.checksums[f"Secret/{unit.name}"] != unit.secret_hash
        else ""
    )
