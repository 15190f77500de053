"""status: reports role, state, lag or quorum and port per node, and readiness, losses and firing alerts per component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from nexusdev.components.capabilities import Alert
from nexusdev.context import Context
from nexusdev.deploy import last_up, lost_volumes
from nexusdev.deploy.lost_volumes import LostVolume
from nexusdev.errors import Degraded, PreflightFailed
from nexusdev.plan import Observation
from nexusdev.results import Result
from nexusdev.stack.losses import Loss
from nexusdev.stack.model import Stack
from nexusdev.status import alerts, probes
from nexusdev.status.probes import StatusRow
from nexusdev.util.humanize import join_names


class ComponentState(Struct, frozen=True, kw_only=True):
    """The readiness of one component.

    Attributes:
        missing: What is missing until it is ready, as a sentence; '' if it is ready.
    """

    name: str
    ready: bool
    missing: str = ""


class StatusResult(Result, frozen=True, kw_only=True):
    """The state of the instance at one moment.

    Attributes:
        ready: Whether every component is ready.
        profile: The profile that was started; '' for a part of one.
        created: Whether any container exists.
        components: Each component in use.
        services: Each server, with its role and state.
        losses: The data volumes that are gone from the engine, by group.
        lost_volumes: The same volumes, one by one.
        alerts: The firing alert rules.
        alerts_unknown: Why it is unknown which rules fire; '' if it is known.
        alerts_at: Time of the alert query, in seconds since the epoch; 0.0 if no rule fires.
        monitoring: Monitoring coverage of the running services (``services``, ``scraped``, ``coverage``); None without monitoring.
    """

    ready: bool
    profile: str
    created: bool
    components: tuple[ComponentState, ...]
    services: tuple[StatusRow, ...]
    losses: tuple[Loss, ...] = ()
    lost_volumes: tuple[LostVolume, ...] = ()
    alerts: tuple[Alert, ...] = ()
    alerts_unknown: str = ""
    alerts_at: float = 0.0
    monitoring: Mapping[str, float] | None = None


def status(context: Context, *, check: bool = False) -> StatusResult:
    """Return the current state of the instance.

    Args:
        context: The context of the command.
        check: Set ``error`` of the result to Degraded (exit 4) if something is missing.
    """
    instance = context.instance()
    stack = context.stack(instance)
    previous = last_up.read(instance.folder)
    access = instance.access(context.runtime(stack), stack)
    runner = probes.ProbeRunner(access).begin(
        context.components[name] for name in stack.components if name in previous.seeded
    )
    observation = runner.observation
    selected = in_use(stack, observation, tuple(previous.seeded))
    runner.begin(context.components[name] for name in selected)
    question = alerts.query(runner.components.values(), access, observation)
    seen = runner.results(selected)
    rows = probes.rows(stack, observation, seen)
    missing = {name: each.readiness.missing for name, each in seen.items() if not each.readiness.ready}
    alarms = question.alarms
    lost = lost_volumes.lost(context, instance, stack, observation)
    return StatusResult(
        instance=instance.name,
        ready=not missing,
        profile=previous.profile,
        created=bool(observation.services),
        components=tuple(
            ComponentState(name=name, ready=each.readiness.ready, missing=each.readiness.missing)
            for name, each in seen.items()
        ),
        services=tuple(rows),
        losses=tuple(lost),
        lost_volumes=lost_volumes.listed(lost, instance, access.runtime),
        alerts=tuple(alarms.alerts),
        alerts_unknown=alarms.trouble,
        alerts_at=access.runtime.now() if alarms.alerts else 0.0,
        monitoring=question.coverage(seen),
        warnings=(
            *((f"firing alerts are unknown: {alarms.trouble}",) if alarms.trouble else ()),
            *(f"{each.evidence}: {each.fix}" if each.fix else each.evidence for each in observation.problems),
            *(_clock_warnings(context) if missing and observation.services else ()),
        ),
        error=_degraded(missing, observation) if check and missing else None,
    )


def require_ready(seen: StatusResult, message: str, *, hint: str) -> None:
    """Raise Degraded if something is missing.

    Args:
        seen: The state of the instance.
        message: The message of the error.
        hint: Its hint.
    """
    if seen.ready and seen.created:
        return
    missing = "; ".join(f"{each.name}: {each.missing}" for each in seen.components if not each.ready)
    raise Degraded(message, why=missing or "no container exists", hint=hint)


def _clock_warnings(context: Context) -> tuple[str, ...]:
    """Return a warning if the clocks differ, which makes servers look as if they were down."""
    try:
        context.provider.require_clock()
    except PreflightFailed as error:
        return (f"{error.message}: {error.why}",)
    return ()


def in_use(stack: Stack, observation: Observation, remembered: Sequence[str]) -> tuple[str, ...]:
    """Return the components of this instance: those that were started and those that have a container; if there are none, all.

    Args:
        stack: The stack.
        observation: The existing resources.
        remembered: The components that were started, from the record of the last ``up``.
    """
    selected = observation.components | set(remembered)
    return tuple(name for name in stack.components if name in selected) or stack.components


def _degraded(missing: Mapping[str, str], observation: Observation) -> Degraded:
    return Degraded(
        f"{join_names(missing)} {'is' if len(missing) == 1 else 'are'} not ready",
        evidence=tuple(f"{name}: {sentence}" for name, sentence in missing.items()),
        hint="nexusdev start   start stopped containers\nnexusdev up      repair the stack"
        if observation.services
        else "nexusdev up",
    )
