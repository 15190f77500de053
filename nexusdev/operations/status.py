"""status: per node role, state, lag or quorum and host port; per component whether it does its job, what is missing, which alerts fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict

from nexusdev.context import Context
from nexusdev.deploy import last_up as journal
from nexusdev.deploy import lost_volumes
from nexusdev.errors import Degraded
from nexusdev.plan import Observation
from nexusdev.results import Outcome, OutputBlock, Table, Text
from nexusdev.stack.model import Stack
from nexusdev.status import alerts
from nexusdev.status import probes as nodes
from nexusdev.status.probes import ComponentStatus, StatusRow
from nexusdev.util.humanize import join_names


def status(context: Context, *, check: bool = False) -> Outcome:
    """Look once. With ``check`` the outcome carries Degraded (exit 4) when something is missing."""
    instance = context.instance()
    stack = context.stack(instance)
    last_up = journal.read(instance.folder)
    access = instance.access(context.runtime(stack), stack)
    probes = nodes.ProbeRunner(access).begin(
        context.components[name] for name in stack.components if name in last_up.seeded
    )
    observation = probes.observation
    selected = in_use(stack, observation, tuple(last_up.seeded))
    probes.begin(context.components[name] for name in selected)
    question = alerts.query(probes.components.values(), access, observation)
    seen = probes.results(selected)
    rows = nodes.rows(stack, observation, seen)
    missing = {name: each.readiness.missing for name, each in seen.items() if not each.readiness.ready}
    alarms = question.alarms
    lost = lost_volumes.lost(context, instance, stack, observation)
    return Outcome(
        instance=instance.name,
        data={
            "ready": not missing,
            "profile": last_up.profile,
            "components": [
                {"name": name, "ready": each.readiness.ready, "missing": each.readiness.missing}
                for name, each in seen.items()
            ],
            "nodes": [asdict(row) for row in rows],
            "lost_volumes": lost_volumes.data(lost, instance),
            "alerts": alerts.data(alarms),
            "monitoring": question.coverage(seen),
        },
        output=(
            *_output(rows, seen, observation),
            *lost_volumes.says(lost),
            *alerts.output(alarms, selected, now=access.runtime.now),
        ),
        warnings=(f"which alerts fire is not known: {alarms.trouble}",) if alarms.trouble else (),
        error=_degraded(missing, observation) if check and missing else None,
    )


def in_use(stack: Stack, observation: Observation, remembered: Sequence[str]) -> tuple[str, ...]:
    """The components that this instance is made of: those that were brought up and those that have a container; else all."""
    selected = observation.components | set(remembered)
    return tuple(name for name in stack.components if name in selected) or stack.components


def _output(
    rows: Sequence[StatusRow], seen: Mapping[str, ComponentStatus], observation: Observation
) -> list[OutputBlock]:
    if not observation.services:
        return [Text("not running: none of its containers exists", "warn"), "nexusdev up   start it"]
    table = Table(
        columns=("service", "role", "state", "port", "detail"),
        rows=tuple(
            (
                row.service,
                row.role,
                Text(row.state, "good" if row.ok else "bad"),
                str(row.port or ""),
                row.detail,
            )
            for row in rows
        ),
    )
    missing = [
        Text(f"{name} is not ready: {each.readiness.missing}", "bad")
        for name, each in seen.items()
        if not each.readiness.ready
    ]
    return [table, *missing] if missing else [table, Text(f"ready: {', '.join(seen)}", "good")]


def _degraded(missing: Mapping[str, str], observation: Observation) -> Degraded:
    return Degraded(
        f"{join_names(missing)} {'is' if len(missing) == 1 else 'are'} not ready",
        evidence=tuple(f"{name}: {sentence}" for name, sentence in missing.items()),
        hint="nexusdev start   start what is stopped\nnexusdev up      repair whatever is missing"
        if observation.services
        else "nexusdev up",
    )
