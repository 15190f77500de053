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


class ClusterStep(Step, frozen=True, kw_only=True):
    """One change of the cluster. ``action``: the action."""

    action: ClusterAction


def with_cluster(plan: Plan, intent: Intent, phase: NodePhase, name: str) -> Plan:
    """Return a plan with the steps of its cluster.

    Args:
        plan: The steps in the cluster.
        intent: What they are for.
        phase: What exists of the cluster.
        name: The cluster.
    """
    last = _last(intent, phase, name, plan)
    if isinstance(intent, Down) and intent.volumes and phase == "stopped":
        return Plan(steps=last)  # everything in it goes with it, and nothing in it can be asked
    first = _first(phase, name) if plan else ()
    after = tuple(step.resource for step in first)
    steps = tuple(replace(step, after=(*step.after, *after)) for step in plan.steps)
    everything = tuple(dict.fromkeys(step.resource for step in steps))
    return Plan(steps=(*first, *steps, *(replace(step, after=everything) for step in last)))


def _first(phase: NodePhase, name: str) -> tuple[ClusterStep, ...]:
    if phase == "running":
        return ()
    if phase == "stopped":
        return (ClusterStep(action=ClusterAction.START, resource=name, reason="it is stopped"),)
    return (ClusterStep(action=ClusterAction.CREATE, resource=name, reason="it does not exist"),)


def _last(intent: Intent, phase: NodePhase, name: str, plan: Plan) -> tuple[ClusterStep, ...]:
    match intent:
        case Down(volumes=True, reason=reason) if phase != "absent":
            return (ClusterStep(action=ClusterAction.DELETE, resource=name, reason=reason or "its data goes with it"),)
        case Down(volumes=False) | Stop(services=None) if phase == "running" or (phase == "stopped" and plan):
            return (ClusterStep(action=ClusterAction.STOP, resource=name, reason="nothing runs in it any more"),)
        case _:
            return ()
