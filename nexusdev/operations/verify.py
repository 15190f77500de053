"""verify: measures the scorecard of the running instance: figures with their targets, and security controls with their evidence."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec import Struct, field

from nexusdev.components.contract import Component
from nexusdev.components.scores import Control, ControlResult, HasScores, HasUsers, Measured, Score, ScoreBench
from nexusdev.context import Context
from nexusdev.env import stored
from nexusdev.errors import Degraded, NexusError, UsageError
from nexusdev.events import Note
from nexusdev.operations.drill import DrillOptions, drill, machine, require_alone
from nexusdev.operations.status import StatusResult, require_ready, status
from nexusdev.results import Result
from nexusdev.scorecard import security
from nexusdev.scorecard.users import USERS, many_users
from nexusdev.stack.model import Stack
from nexusdev.util.humanize import join_names
from nexusdev.util.nearest import nearest

FAILOVER, LAG = "database-availability", "replication-lag"
#: Rows that take a few seconds and disturb nobody, as far as the instance has them.
SHORT = (
    "vault-response", LAG, "monitoring-coverage", "loopback-only", "no-plaintext", "tls-versions", "certificates",
    "least-privilege", "secrets-hidden", "env-file", "different-passwords", "postgres-rights", "postgres-audit", "vault-audit", "root-token",
)  # fmt: skip
_DRILL = "postgres-primary-kill"
#: Seconds without writes per month that 99.95 % leaves.
_ALLOWED = 30 * 86400 * 0.0005


class Figure(Struct, frozen=True, kw_only=True):
    """A figure of the scorecard.

    Attributes:
        score: What was measured.
        measured: What came of it; None if it could not be measured.
        failure: Why not; '' if it was measured.
    """

    score: Score
    measured: Measured | None = None
    failure: str = ""

    @property
    def met(self) -> bool:
        """Whether it was measured and meets its target."""
        return self.score.met(self.measured.value if self.measured else None)


class ControlOutcome(Struct, frozen=True, kw_only=True):
    """A security control of the scorecard.

    Attributes:
        control: What was tried.
        finding: What came of it. A control that could not be tried has not passed.
    """

    control: Control
    finding: ControlResult


class VerifyResult(Result, frozen=True, kw_only=True):
    """The scorecard.

    Attributes:
        rows: The figures.
        controls: The security controls.
        left_out: What was not measured here, and why: row → reason.
        at: When it began, in seconds since the epoch.
        machine: Where, in one line.
        quick: Whether a tenth of the samples was taken.
    """

    rows: tuple[Figure, ...]
    controls: tuple[ControlOutcome, ...]
    at: float
    machine: str
    left_out: Mapping[str, str] = field(default_factory=dict)
    quick: bool = False


def verify(
    context: Context, names: Sequence[str] = (), *, quick: bool = False, confirmed: bool = False
) -> VerifyResult:
    """Measure these rows, or all.

    Args:
        context: The context of the command.
        names: Names of figures and controls; empty for all.
        quick: Take a tenth of the samples.
        confirmed: Whether to break a server for the failover although somebody else is connected.

    Returns:
        The scorecard. ``error`` (exit 4, TARGET_MISSED) names what does not meet its target.

    Raises:
        Degraded: The instance is not ready: figures of a degraded stack would say nothing.
        UsageError: There is no such row.
        ConfirmationNeeded: Somebody else is connected, and the failover is among the rows.
    """
    seen = status(context)
    require_ready(
        seen,
        "the stack is degraded, and figures of it would say nothing",
        hint="nexusdev status   show what is wrong\nnexusdev up       repair it",
    )
    instance = context.instance()
    stack = context.stack(instance)
    access = instance.access(context.runtime(stack), stack)
    bench = ScoreBench(access=access, values=stored.read(instance.folder).views["host"], quick=quick)
    running = [context.components[each.name] for each in seen.components]
    scores, left_out = _scores(context, running, seen, users=bench.count(USERS))
    tried = [
        *security.controls(_passwords(stack), context.settings.env_file),
        *(each for one in running if isinstance(one, HasScores) for each in one.controls()),
    ]
    _require_known(names, [*(each.name for each in scores), *(each.name for each in tried), *left_out])
    scores = [each for each in scores if not names or each.name in names]
    tried = [each for each in tried if not names or each.name in names]
    if not confirmed and any(each.name == FAILOVER for each in scores):
        require_alone(context, hint="nexusdev verify --yes   measure nevertheless")
    began = time.time()
    controls = tuple(ControlOutcome(control=each, finding=_tried(context, each, bench)) for each in tried)
    rows = tuple(_measured(context, each, bench) for each in scores)
    return VerifyResult(
        instance=instance.name,
        rows=rows,
        controls=controls,
        at=began,
        machine=machine(context),
        left_out={name: why for name, why in left_out.items() if not names or name in names},
        quick=quick,
        error=_missed(rows, controls),
    )


def _scores(
    context: Context, running: Sequence[Component], seen: StatusResult, *, users: int
) -> tuple[list[Score], Mapping[str, str]]:
    """Return all figures of this instance, and those that it cannot have."""
    found = [each for one in running if isinstance(one, HasScores) for each in one.scores()]
    left_out = {
        "recovery-point": "there are no backups of this instance; nexusdev snapshot save keeps its data",
        "network-isolation": "servers share one network in Docker; in a cluster network policies separate them, which make test-kind tries",
    }
    if systems := [each for each in running if isinstance(each, HasUsers)]:
        found.append(_of_users(systems, users))
    if seen.monitoring is not None:
        found.append(_of_coverage(context))
    else:
        left_out["monitoring-coverage"] = "monitoring does not run"
    if seen.profile == "lite":
        left_out |= dict.fromkeys((FAILOVER, LAG), "profile lite has one PostgreSQL and no replicas")
        found = [each for each in found if each.name != LAG]
    elif any(each.name == "postgres" for each in running):
        found.append(_of_failover(context))
    return found, left_out


def _of_users(systems: Sequence[HasUsers], users: int) -> Score:
    names = join_names([each.name for each in systems])
    return Score(
        name="concurrent-users",
        title=f"Errors of {users} concurrent users",
        unit="",
        target=0,
        production="1000+ users",
        method=f"{users} connections to each of {names}, all at once; each user sends a request every second and thinks between",
        measure=lambda bench: many_users(bench, systems),
    )


def _of_coverage(context: Context) -> Score:
    def measure(_bench: ScoreBench) -> Measured:
        found = status(context).monitoring or {"services": 0, "scraped": 0, "coverage": 0}
        return Measured(
            value=100 * found["coverage"],
            samples=int(found["services"]),
            details={"scraped": f"{found['scraped']:.0f} of {found['services']:.0f} services"},
        )

    return Score(
        name="monitoring-coverage",
        title="Monitoring coverage of the running services",
        unit="%",
        target=100.0,
        at_least=True,
        production="100 %",
        method="the services that run, and the targets of Prometheus that are up",
        measure=measure,
    )


def _of_failover(context: Context) -> Score:
    return Score(
        name=FAILOVER,
        title="Database: longest time without writes in a failover",
        unit="s",
        target=4.0,
        production="99.95 % availability",
        method="the primary is killed under load; writers use the primary and the pool, and each acknowledged write is looked up",
        measure=lambda _: _failover(context),
    )


def _failover(context: Context) -> Measured:
    """Kill the primary. A lost write is no figure but a failure."""
    (report,) = drill(context, [_DRILL], DrillOptions(confirmed=True)).drills
    (found,) = report.rounds
    writers = {each.name: each for each in found.clients if each.write_gap is not None}
    lost = sum(each.lost or 0 for each in writers.values())
    if lost:
        raise Degraded(f"{lost} acknowledged writes were lost", hint=f"nexusdev drill {_DRILL} --rounds 3")
    gap = max(each.write_gap or 0.0 for each in writers.values())
    return Measured(
        value=gap,
        samples=sum(each.writes for each in writers.values()),
        details={
            **{f"{name} without writes": f"{each.write_gap:.2f} s" for name, each in writers.items()},
            "acknowledged writes lost": str(lost),
            "such failovers per month within 99.95 %": f"{_ALLOWED / gap:.0f}" if gap else "any number",
        },
        limit="one failover: availability is what is left of a month after all of them",
    )


def _measured(context: Context, score: Score, bench: ScoreBench) -> Figure:
    context.listener.tell(Note(text=f"measuring {score.name}: {score.method}"))
    try:
        return Figure(score=score, measured=score.measure(bench))
    except NexusError as error:
        if error.is_bug:
            raise
        return Figure(score=score, failure=error.sentence)
    except Exception as error:
        return Figure(score=score, failure=f"{type(error).__name__}: {' '.join(str(error).split())}")


def _tried(context: Context, control: Control, bench: ScoreBench) -> ControlResult:
    context.listener.tell(Note(text=f"trying {control.name}: {control.title}"))
    attempt: Callable[[], ControlResult] = partial(control.check, bench)
    try:
        return attempt()
    except NexusError as error:
        if error.is_bug:
            raise
        return ControlResult(passed=False, evidence=f"not tried: {error.message}")
    except Exception as error:
        return ControlResult(
            passed=False, evidence=f"not tried: {type(error).__name__}: {' '.join(str(error).split())}"
        )


def _passwords(stack: Stack) -> Sequence[str]:
    """Return the secrets that are generated passwords."""
    return [name for name, each in stack.secrets.items() if each.recipe.password]


def _require_known(names: Sequence[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            near = nearest(name, known)
            raise UsageError(
                f"the scorecard has no row {name}",
                why=f"rows: {', '.join(known)}",
                hint=f"nexusdev verify {near[0]}" if near else "nexusdev verify",
            )


def _missed(rows: Sequence[Figure], controls: Sequence[ControlOutcome]) -> Degraded | None:
    bad = [f"{each.score.name}: {each.failure or 'target missed'}" for each in rows if not each.met]
    bad += [f"{each.control.name}: {each.finding.evidence}" for each in controls if not each.finding.passed]
    if not bad:
        return None
    return Degraded(
        f"{len(bad)} of {len(rows) + len(controls)} rows of the scorecard do not meet their target",
        evidence=bad,
        hint=f"nexusdev verify {bad[0].partition(':')[0]}   measure it again",
        code="TARGET_MISSED",
    )
