"""The steps that start and end the forward to a cluster. Pure."""

from __future__ import annotations

from enum import StrEnum

from msgspec.structs import replace

from nexusdev.plan import Down, Intent, Plan, Problem, Restart, Start, Step, Stop, Up
from nexusdev.runtimes.kubernetes.forward.files import CONNECTED, ForwardConfig, ForwardStatus
from nexusdev.runtimes.kubernetes.render.dev_gateway import HEALTH, NAME, node_port
from nexusdev.stack.model import Stack

#: The resource of the steps.
FORWARD = "forward"


class ForwardAction(StrEnum):
    """The action of a step, as the word that is printed."""

    CONNECT = "connect"
    DISCONNECT = "disconnect"


class ForwardStep(Step, frozen=True, kw_only=True):
    """One change of the forward. ``config``: what it shall do, for CONNECT."""

    action: ForwardAction
    config: ForwardConfig | None = None


def config_of(stack: Stack, kubectl: tuple[str, ...], namespace: str, reach: str) -> ForwardConfig:
    """Return what a forward shall do for a stack.

    Args:
        stack: The stack, with the host ports.
        kubectl: The beginning of kubectl's command lines.
        namespace: The namespace of the instance.
        reach: How the cluster is reached.
    """
    hosts = sorted(port.host for each in stack.services.values() if each.name != NAME for port in each.ports)
    return ForwardConfig(
        kubectl=kubectl,
        namespace=namespace,
        name=NAME,
        reach=reach,
        ports={host: node_port(host) for host in hosts},
        health=HEALTH,
    )


def with_forward(
    plan: Plan, intent: Intent, wanted: ForwardConfig | None, known: ForwardConfig | None, status: ForwardStatus | None
) -> Plan:
    """Return a plan with the step of the forward.

    Args:
        plan: The steps in the cluster.
        intent: What they are for.
        wanted: What the forward shall do; None if the stack is unknown.
        known: What it was started with; None for nothing.
        status: How it is; None if it does not run.
    """
    everything = tuple(dict.fromkeys(step.resource for step in plan.steps))
    match intent:
        case Up() | Start() | Restart() if wanted:
            reason = _reason(wanted, known, status)
            if not reason:
                return plan
            after = tuple(each for each in (NAME,) if each in everything)
            step = ForwardStep(
                action=ForwardAction.CONNECT, resource=FORWARD, reason=reason, config=wanted, after=after
            )
            return replace(plan, steps=(*plan.steps, step))
        case Down() | Stop(services=None) if status:
            step = ForwardStep(
                action=ForwardAction.DISCONNECT,
                resource=FORWARD,
                reason="nothing is left to connect to",
                after=everything,
            )
            return replace(plan, steps=(*plan.steps, step))
        case _:
            return plan


def problem_of(status: ForwardStatus | None, *, log: str) -> Problem | None:
    """Return what is wrong with the forward of an instance that runs; None for nothing.

    Args:
        status: How it is; None if it does not run.
        log: Its log file.
    """
    if status is None:
        return Problem(evidence="nothing forwards the ports of this machine to the cluster", fix="nexusdev up")
    if status.phase != CONNECTED:
        why = status.problem or "it is starting"
        return Problem(evidence=f"the forward to the cluster is not connected: {why}", fix=f"less {log}")
    return None


def _reason(wanted: ForwardConfig, known: ForwardConfig | None, status: ForwardStatus | None) -> str:
    if status is None:
        return "it does not run"
    return "" if known == wanted else "its ports or its cluster changed"
