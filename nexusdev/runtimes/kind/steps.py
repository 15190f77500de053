"""The steps that concern the cluster as a whole. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from nexusdev.plan import Down, Intent, Plan, Step, Stop
from nexusdev.runtimes.kind.node import NodePhase


class ClusterAction(StrEnum):
    """The action of a step, as the word that is printed."""

    CREATE = "create cluster"
    START = "start cluster"
    STOP = "stop cluster"
    DELETE = "delete cluster"
    #: What ends with the cluster: nothing is done for it alone.
    GONE = "delete"


class ClusterStep(Step, frozen=True, kw_only=True):
    """One change of the cluster, or of what goes with it. ``action``: the action."""

    action: ClusterAction


def with_cluster(plan: Plan, intent: Intent, phase: NodePhase, name: str, *, rest: bool = False) -> Plan:
    """Return a plan with the steps of its cluster.

    Args:
        plan: The steps in the cluster.
        intent: What they are for.
        phase: What exists of the cluster.
        name: The cluster.
        rest: Whether something of it exists besides, or instead: a half-made node, its network, its images.
    """
    if isinstance(intent, Down) and intent.volumes:
        return _deleted(plan, name, intent.reason) if phase != "absent" or rest else plan
    last = _last(intent, phase, name, plan)
    first = _first(phase, name) if plan else ()
    after = tuple(step.resource for step in first)
    steps = tuple(replace(step, after=(*step.after, *after)) for step in plan.steps)
    everything = tuple(dict.fromkeys(step.resource for step in steps))
    return Plan(steps=(*first, *steps, *(replace(step, after=everything) for step in last)))


def _deleted(plan: Plan, name: str, reason: str) -> Plan:
    """Return the steps that delete the cluster. Everything in it goes with it, which is quicker than one by one."""
    whole = ClusterStep(action=ClusterAction.DELETE, resource=name, reason=reason or "its data goes with it")
    gone = (
        ClusterStep(
            action=ClusterAction.GONE,
            resource=step.resource,
            reason="it goes with the cluster",
            after=(name,),
            ends=step.ends,
            removes=step.removes,
        )
        for step in plan.steps
        if step.removes
    )
    return Plan(steps=(whole, *gone))


def _first(phase: NodePhase, name: str) -> tuple[ClusterStep, ...]:
    if phase == "running":
        return ()
    if phase == "stopped":
        return (ClusterStep(action=ClusterAction.START, resource=name, reason="it is stopped"),)
    return (ClusterStep(action=ClusterAction.CREATE, resource=name, reason="it does not exist"),)


def _last(intent: Intent, phase: NodePhase, name: str, plan: Plan) -> tuple[ClusterStep, ...]:
    match intent:
        case Down(volumes=False) | Stop(services=None) if phase == "running" or (phase == "stopped" and plan):
            return (ClusterStep(action=ClusterAction.STOP, resource=name, reason="nothing runs in it any more"),)
        case _:
            return ()
