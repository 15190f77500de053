"""drill: breaks a server while clients work, measures what they notice, and brings everything back."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterable, Sequence

from msgspec import Struct

from nexusdev.components.drills import Scenario
from nexusdev.context import Context
from nexusdev.deploy.command_lock import hold_lock
from nexusdev.drills import catalogue, undo
from nexusdev.drills.missing import MISSING, Missing
from nexusdev.drills.verdict import Measurement, Round, findings, missed
from nexusdev.errors import ConfirmationNeeded, Degraded, NexusError, UsageError
from nexusdev.events import Note
from nexusdev.faults import FaultInjector
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.drill_baseline import restore
from nexusdev.operations.drill_round import SETTLE, WARM_UP, DrillRound, DrillStage
from nexusdev.operations.status import StatusResult, status
from nexusdev.results import Result
from nexusdev.util.connections import clients_of
from nexusdev.util.humanize import join_names

#: Seconds that a stack gets to become ready before a drill.
_MOMENT = 20.0


class DrillReport(Struct, frozen=True, kw_only=True):
    """One scenario and what its rounds measured.

    Attributes:
        scenario: The scenario.
        rounds: Its rounds.
        findings: The figures of each round with their targets.
        fencing: Whether somebody fenced servers that had ended.
        failure: Why it could not be carried out; '' if it was.
    """

    scenario: Scenario
    rounds: tuple[Round, ...] = ()
    findings: tuple[tuple[Measurement, ...], ...] = ()
    fencing: bool = True
    failure: str = ""

    @property
    def missed(self) -> tuple[str, ...]:
        """A sentence for each target that a round did not meet."""
        several = len(self.rounds) > 1
        return tuple(
            f"round {number}: {each}" if several else each
            for number, found in enumerate(self.findings, 1)
            for each in missed(found)
        )

    @property
    def met(self) -> bool:
        """Whether it was carried out and met every target."""
        return not self.failure and not self.missed


class DrillResult(Result, frozen=True, kw_only=True):
    """The result of ``drill``.

    Attributes:
        drills: What was drilled.
        at: When it began, in seconds since the epoch.
        machine: Where, in one line.
    """

    drills: tuple[DrillReport, ...]
    at: float
    machine: str


class DrillListResult(Result, frozen=True, kw_only=True):
    """The result of ``drill list``.

    Attributes:
        scenarios: Component → its scenarios that can be drilled here.
        unsupported: The scenarios whose fault the runtime cannot inject.
        missing: What no drill brings about, and why.
    """

    scenarios: tuple[tuple[str, tuple[Scenario, ...]], ...]
    unsupported: tuple[Scenario, ...]
    missing: tuple[Missing, ...]


class DrillOptions(Struct, frozen=True, kw_only=True):
    """How to drill.

    Attributes:
        rounds: How often each scenario is carried out.
        target: The server to hit; '' for the scenario's own choice.
        fencing: Whether to fence servers that have ended.
        confirmed: Whether to drill although somebody else is connected.
        warm_up: Seconds of load before the fault.
        settle: Seconds for which the load goes on when everything works again.
    """

    rounds: int = 1
    target: str = ""
    fencing: bool = True
    confirmed: bool = False
    warm_up: float = WARM_UP
    settle: float = SETTLE


def drill_list(context: Context) -> DrillListResult:
    """Return all drills. Needs no instance."""
    known = {name: tuple(catalogue.scenarios([each]).values()) for name, each in context.components.items()}
    return DrillListResult(
        scenarios=tuple((name, found) for name, found in known.items() if found), unsupported=(), missing=MISSING
    )


def drill(context: Context, names: Sequence[str], options: DrillOptions) -> DrillResult:
    """Drill one scenario after the other.

    Args:
        context: The context of the command.
        names: The scenarios; empty for all.
        options: How.

    Raises:
        UsageError: There is no such drill, or the runtime cannot inject its fault.
        ConfirmationNeeded: Somebody else is connected to the instance.
        Degraded: The instance is not ready.
        NotFound: There is no such instance.
    """
    known = catalogue.scenarios(context.components.values())
    scenarios = [catalogue.chosen(name, known) for name in names] or list(known.values())
    if options.target and len(scenarios) != 1:
        raise UsageError("--target needs the name of one drill", hint="nexusdev drill list   show all drills")
    began, reports = time.time(), []
    with hold_lock(context, "nexusdev drill"), undo.working(context.instance().folder):
        stage = _stage(context, options)
        if not options.confirmed:
            hint = f"nexusdev drill {scenarios[0].name} --yes   drill nevertheless"
            _require_alone(stage.access, stage.instance.name, hint=hint)
        for number, scenario in enumerate(scenarios, 1):
            place = f"{number} of {len(scenarios)}: " if len(scenarios) > 1 else ""
            context.listener.tell(Note(text=f"drill {place}{scenario.name}: {scenario.hypothesis}"))
            reports.append(_drilled(stage, scenario, options, alone=len(scenarios) == 1))
    return DrillResult(
        instance=context.identity.name,
        drills=tuple(reports),
        at=began,
        machine=machine(context),
        warnings=tuple(_troubles(reports)),
        error=_failure(reports),
    )


def _stage(context: Context, options: DrillOptions) -> DrillStage:
    """Look at the instance, which must be ready."""
    from nexusdev.env import stored

    instance = context.instance()
    seen = _settled(context)
    if not seen.ready:
        lacking = [each for each in seen.components if not each.ready]
        raise Degraded(
            f"{join_names([each.name for each in lacking])} {'is' if len(lacking) == 1 else 'are'} not ready: a drill needs a healthy stack",
            evidence=tuple(f"{each.name}: {each.missing}" for each in lacking),
            hint="nexusdev start   start stopped containers\nnexusdev up      repair the stack",
        )
    stack = context.stack(instance)
    runtime = context.runtime(stack)
    return DrillStage(
        context=context,
        instance=instance,
        access=instance.access(runtime, stack),
        values=stored.read(instance.folder).views["host"],
        faults=_faults(runtime.faults, instance.name),
        components=tuple(each.name for each in seen.components),
        running=tuple(name for name, each in runtime.observe().services.items() if each.runs),
        warm_up=options.warm_up,
        settle=options.settle,
    )


def _settled(context: Context) -> StatusResult:
    """Return the status, after a moment if something is not ready now: on a busy machine a probe may be late."""
    end = context.clock.now() + _MOMENT
    while not (seen := status(context)).ready and seen.created and context.clock.now() < end:
        context.clock.sleep(1.0)
    return seen


def _faults(found: FaultInjector | None, instance: str) -> FaultInjector:
    if found is None:
        raise UsageError(f"the runtime of instance {instance} cannot inject faults")
    return found


def require_alone(context: Context, *, hint: str) -> None:
    """Raise ConfirmationNeeded if another process is connected to the instance: broken servers would break its work.

    Args:
        context: The context of the command.
        hint: The command that goes on nevertheless.
    """
    instance = context.instance()
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack), stack)
    _require_alone(access, instance.name, hint=hint)


def _require_alone(access: InstanceAccess, instance: str, *, hint: str) -> None:
    if strangers := clients_of({address.port for address in access.addresses.values()}):
        raise ConfirmationNeeded(
            f"others use instance {instance}",
            why="a drill breaks servers, and would break what they do",
            evidence=strangers,
            hint=hint,
        )


def _drilled(stage: DrillStage, scenario: Scenario, options: DrillOptions, *, alone: bool) -> DrillReport:
    """Carry out the rounds of a scenario. Among several, one that cannot be carried out is part of the report."""
    rounds: list[Round] = []
    failure = ""
    try:
        _require_support(stage, scenario)
        rounds.extend(
            DrillRound(stage, scenario, options.target, fencing=options.fencing).run() for _ in range(options.rounds)
        )
    except NexusError as error:
        if alone or error.is_bug:
            raise
        failure = error.sentence
    return DrillReport(
        scenario=scenario,
        rounds=tuple(rounds),
        findings=tuple(findings(scenario, each, fencing=options.fencing) for each in rounds),
        fencing=options.fencing,
        failure=failure,
    )


def _require_support(stage: DrillStage, scenario: Scenario) -> None:
    if not stage.faults.supports(scenario.fault):
        raise UsageError(f"the runtime of instance {stage.instance.name} does not support the fault {scenario.fault}")
    loaded = {name.partition(".")[0] for name in scenario.clients}
    if absent := loaded - {*stage.components}:
        raise UsageError(
            f"drill {scenario.name} needs {join_names(sorted(absent))}",
            why="this instance was started without it",
            hint="nexusdev up",
        )


def _troubles(reports: Iterable[DrillReport]) -> Iterable[str]:
    for report in reports:
        for each in report.rounds:
            yield from each.troubles


def _failure(reports: Sequence[DrillReport]) -> Degraded | None:
    bad = [each for each in reports if not each.met]
    if not bad:
        return None
    evidence = [
        f"{each.scenario.name}: {sentence}"
        for each in bad
        for sentence in (*each.missed, *filter(None, [each.failure]))
    ]
    return Degraded(
        f"{join_names([each.scenario.name for each in bad])}: targets missed",
        evidence=tuple(evidence),
        hint=f"nexusdev drill {bad[0].scenario.name} --rounds 3   see whether it is always so",
        code="TARGET_MISSED",
    )


def machine(context: Context) -> str:
    """Describe where drills run, in one line."""
    return f"{os.cpu_count()} cores, {platform.system()} {platform.release()}, {platform.machine()}, {context.settings.runtime}"


def heal(context: Context) -> None:
    """Undo a drill that ended without undoing what it did. Says so; a failure is a warning, because the command goes on.

    Args:
        context: The context of the command that runs next.
    """
    from nexusdev.instance.paths import folder_of

    folder = folder_of(context.root, context.identity.name)
    if not undo.left_behind(folder):
        return
    record = undo.read(folder)
    if record is None:
        return
    context.listener.tell(
        Note(text=f"the drill {record.drill} was killed before its end; undoing what it did", warning=True)
    )
    try:
        with hold_lock(context, "nexusdev drill"), undo.working(folder):
            if undo.read(folder) == record:
                restore(context, record)
        context.listener.tell(Note(text=f"the drill {record.drill} is undone: everything is ready and proven again"))
    except NexusError as error:
        if error.is_bug:
            raise
        text = f"the drill {record.drill} could not be undone: {error.message}; nexusdev up repairs the stack"
        context.listener.tell(Note(text=text, warning=True))
