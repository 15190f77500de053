"""One round of a drill: load, fault, measurement, end of the fault, baseline."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from nexusdev.components.drills import Fencing, Scenario
from nexusdev.context import Context
from nexusdev.deploy.deployer_factory import deployer_of
from nexusdev.deploy.fencing import fencing as fencing_all
from nexusdev.drills import catalogue, history, undo
from nexusdev.drills.load import KindLoad, Load, Work
from nexusdev.drills.measure import (
    ClientReport,
    Doing,
    acknowledged,
    kinds_of_error,
    longest_gap,
    rate,
    register_reads,
    register_writes,
)
from nexusdev.drills.undo import Unfinished
from nexusdev.drills.verdict import Round
from nexusdev.errors import Degraded, PreflightFailed
from nexusdev.events import ClientProgress, Note
from nexusdev.faults import Fault, FaultInjector
from nexusdev.instance.instance import Instance
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.drill_baseline import lift, restore
from nexusdev.plan import Start
from nexusdev.status import alerts
from nexusdev.status.probes import ProbeRunner, StatusRow
from nexusdev.status.probes import rows as status_rows

#: Seconds of load before the fault, and the acknowledged operations that each client must have by then.
WARM_UP, WARM = 2.0, 20
#: A client whose last acknowledgement is so many seconds old does not work.
FRESH = 1.0
#: Seconds that clients may take to work again, and the load goes on after that.
PATIENCE, SETTLE = 90.0, 1.0
_POLL, _LOOK = 0.1, 0.4
_BUCKETS = 120
#: Roles of the one server that takes writes.
LEADING = frozenset({"primary", "master", "active"})


class DrillStage(Struct, kw_only=True):
    """The instance that is drilled.

    Attributes:
        values: The variables of its env file.
        components: The components in use.
        running: The services that ran before the first drill.
        warm_up: Seconds of load before the fault.
        settle: Seconds for which the load goes on when everything works again.
    """

    context: Context
    instance: Instance
    access: InstanceAccess
    values: Mapping[str, str]
    faults: FaultInjector
    components: tuple[str, ...]
    running: tuple[str, ...]
    warm_up: float = WARM_UP
    settle: float = SETTLE

    def look(self, names: tuple[str, ...]) -> Look:
        """Probe components once."""
        context = self.context
        runner = ProbeRunner(self.access).begin(context.components[name] for name in names)
        observation = runner.observation
        question = alerts.query([context.components[name] for name in self.components], self.access, observation)
        seen = runner.results(names)
        missing = {name: each.readiness.missing for name, each in seen.items() if not each.readiness.ready}
        firing = question.alarms.alerts
        return Look(
            at=time.monotonic(),
            rows=tuple(status_rows(context.stack(self.instance), observation, seen)),
            missing=missing,
            alerts=tuple(dict.fromkeys(f"{each.name} {each.instance}".strip() for each in firing)),
        )


class Look(Struct, frozen=True, kw_only=True):
    """What one probe found.

    Attributes:
        at: When it ended, by the monotonic clock.
        rows: The rows of ``status``.
        missing: Component → what is missing until it is ready.
        alerts: What fires.
    """

    at: float
    rows: tuple[StatusRow, ...]
    missing: Mapping[str, str]
    alerts: tuple[str, ...]

    def leaders(self) -> dict[str, str]:
        """Return component → the server that leads."""
        return {row.component: row.service for row in self.rows if row.role in LEADING}

    def shows_failure(self, victims: tuple[str, ...], before: Look) -> bool:
        """Whether it differs from before in a way that tells of a failure of these servers."""
        now, then = ({row.service: row for row in look.rows} for look in (self, before))
        return bool(self.missing) or any(
            (row := now.get(victim)) is None or not row.ok or row.role != then[victim].role for victim in victims
        )


class FailureWatch(Struct, kw_only=True):
    """Looks again and again in a thread of its own, and notes when a failure is seen first."""

    stage: DrillStage
    names: tuple[str, ...]
    victims: tuple[str, ...]
    before: Look
    since: float = 0.0
    injected: float = 0.0  # when the injection returned: one look at least begins after it
    detected: float | None = None
    alerted: float | None = None
    alert: str = ""
    _stop: threading.Event | None = None
    _thread: threading.Thread | None = None

    def begin(self, since: float) -> None:
        """Look from now on. ``since``: when the fault was injected."""
        self.since, self._stop = since, threading.Event()
        self._thread = threading.Thread(target=self._run, args=(self._stop,), name="drill-watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop looking."""
        if self._stop and self._thread:
            self._stop.set()
            self._thread.join(timeout=10.0)

    def _run(self, stop: threading.Event) -> None:
        began = 0.0
        while not stop.is_set() or began < self.injected:
            began = time.monotonic()
            try:
                look = self.stage.look(self.names)
            except PreflightFailed:  # the runtime is busy
                stop.wait(_LOOK)
                continue
            if self.detected is None and look.shows_failure(self.victims, self.before):
                self.detected = look.at - self.since
                self.stage.context.listener.tell(Note(text=f"{self.detected:5.1f} s: status shows the failure"))
            new = [each for each in look.alerts if each not in self.before.alerts]
            if new and self.alerted is None:
                self.alerted, self.alert = look.at - self.since, new[0]
                self.stage.context.listener.tell(Note(text=f"{self.alerted:5.1f} s: alert {new[0]} fires"))
            stop.wait(_LOOK)


class DrillRound:
    """One round of a scenario.

    Args:
        stage: The instance.
        scenario: The scenario.
        target: The server to hit; '' for the scenario's own choice.
        fencing: Whether to fence servers that have ended.
    """

    def __init__(self, stage: DrillStage, scenario: Scenario, target: str, *, fencing: bool) -> None:
        self._stage = stage
        self._scenario = scenario
        self._target = target
        self._fencing = fencing
        self._component = catalogue.component_of(scenario, stage.context.components.values())
        self._loaded = tuple(dict.fromkeys(name.partition(".")[0] for name in scenario.clients))
        self._names = tuple(dict.fromkeys((self._component, *self._loaded)))
        self._fenced: list[Fencing] = []

    def run(self) -> Round:
        """Carry it out. Whatever happens, the instance is brought back to its baseline and proven.

        Raises:
            NexusError: It could not be carried out, or the baseline is not reached.
        """
        stage, context = self._stage, self._stage.context
        before = stage.look(self._names)
        if before.missing:
            raise Degraded(
                f"{next(iter(before.missing))} is not ready: {next(iter(before.missing.values()))}",
                hint="nexusdev up   repair the stack",
            )
        victims = catalogue.victims(
            self._scenario.victim, before.rows, stage.access.topology, component=self._component, target=self._target
        )
        mark = f"drill_{secrets.token_hex(4)}"
        record = Unfinished(
            drill=self._scenario.name,
            victims=victims,
            running=stage.running,
            mark=mark,
            loads=self._loaded,
            began=time.time(),
        )
        products = catalogue.products(context.components, self._scenario.clients)
        load = Load(products, tuple(self._scenario.clients), stage.values, mark)
        undo.write(stage.instance.folder, record)
        try:
            load.prepare()
            found = self._under_load(load, record, before)
        finally:
            load.end()
            restore(context, record)
        self._tell("the baseline is ready and proven")
        return found

    def _under_load(self, load: Load, record: Unfinished, before: Look) -> Round:
        if not self._fencing:
            return self._broken(load, record, before)
        components = self._stage.context.components
        with fencing_all(self._stage.access, components, self._on_fencing):
            return self._broken(load, record, before)

    def _on_fencing(self, done: Fencing) -> None:
        self._fenced.append(done)
        self._tell(f"fencing of {done.service}: {done.done or done.why}")

    def _broken(self, load: Load, record: Unfinished, before: Look) -> Round:
        victims, scenario = record.victims, self._scenario
        load.begin()
        self._wait(load, lambda: all(work.acknowledged >= WARM for work in load.work), "the first operations")
        watching = FailureWatch(stage=self._stage, names=self._names, victims=victims, before=before)
        record = replace(record, fault=str(scenario.fault))
        undo.write(self._stage.instance.folder, record)
        self._tell(f"{scenario.fault}: {', '.join(victims)}")
        began = time.monotonic()
        watching.begin(began)  # before the injection: it waits for the end of a process that may be back by then
        try:
            self._stage.faults.inject(scenario.fault, *victims)
            watching.injected = time.monotonic()
            self._outlast(load, began)
        finally:
            watching.end()
        ended = time.monotonic()
        if scenario.fault is not Fault.CRASH:
            self._tell(f"{ended - began:5.1f} s: end of the fault")
            self._end(record)
        after, redundant = self._until_ready(began if scenario.fault is Fault.CRASH else ended)
        troubles = self._until_working(load)
        time.sleep(self._stage.settle)
        finish = time.monotonic()
        load.end()
        changed = [
            (name, led, after.leaders().get(name, ""))
            for name, led in before.leaders().items()
            if after.leaders().get(name) != led
        ]
        return Round(
            victims=victims,
            clients=tuple(_report(kind, began, finish) for kind in load.kinds),
            held=ended - began,
            redundant=redundant,
            detected=watching.detected,
            alerted=watching.alerted,
            alert=watching.alert,
            fenced=tuple(each for each in self._fenced if each.done),
            leaders=tuple(changed),
            troubles=troubles,
            charts=tuple(_chart(kind, began - self._stage.warm_up, finish) for kind in load.kinds),
            charted=(-self._stage.warm_up, finish - began),
        )

    def _outlast(self, load: Load, began: float) -> None:
        """Wait until the fault has lasted long enough, and until the clients work although it lasts, if they should."""
        hold = began + self._scenario.hold
        while time.monotonic() < hold:
            self._show(load)
            time.sleep(_POLL)
        end = time.monotonic() + PATIENCE
        while self._scenario.recovers and time.monotonic() < end and not _all_work(load):
            self._show(load)
            time.sleep(_POLL)

    def _end(self, record: Unfinished) -> None:
        """End the fault: by its counterpart, or by starting what was killed."""
        lift(self._stage.faults, record)
        if record.fault == Fault.KILL:
            runtime = self._stage.access.runtime
            plan = runtime.plan(Start(services=frozenset(record.victims)))
            deployer_of(self._stage.context, runtime).execute(plan)

    def _until_ready(self, since: float) -> tuple[Look, float | None]:
        """Wait until everything that takes part is ready. Returns the last look, and how long it took; None if it is not in time."""
        end = since + max(2 * self._scenario.redundant, PATIENCE)
        while True:
            try:
                look = self._stage.look(self._names)
            except PreflightFailed:  # the runtime is busy
                if time.monotonic() >= end:
                    raise
                continue
            if not look.missing:
                self._tell(f"{look.at - since:5.1f} s: ready again")
                return look, look.at - since
            if look.at >= end:
                return look, None
            time.sleep(_POLL)

    def _until_working(self, load: Load) -> tuple[str, ...]:
        end = time.monotonic() + PATIENCE
        while not _all_work(load):
            if time.monotonic() >= end:
                idle = [f"{kind.name} {work.doing}" for kind in load.kinds for work in kind.work if not _works(work)]
                return (f"{', '.join(idle)}: no answer in the last {PATIENCE:.0f} s",)
            self._show(load)
            time.sleep(_POLL)
        return ()

    def _wait(self, load: Load, condition: Callable[[], bool], what: str) -> None:
        began = time.monotonic()
        while not condition() or time.monotonic() < began + self._stage.warm_up:
            if time.monotonic() >= began + PATIENCE:
                words = [
                    f"{kind.name} {work.doing}: {work.acknowledged} done, last error: {_last_error(work)}"
                    for kind in load.kinds
                    for work in kind.work
                ]
                raise Degraded(f"{what} were not acknowledged", evidence=words, hint="nexusdev status")
            self._show(load)
            time.sleep(_POLL)

    def _show(self, load: Load) -> None:
        for kind in load.kinds:
            words = [f"{work.acknowledged} {work.doing}s" for work in kind.work]
            waiting = max(time.monotonic() - _last(work) for work in kind.work)
            good = waiting < FRESH
            text = ", ".join(words) + ("" if good else f", nothing for {waiting:.0f} s")
            self._stage.context.listener.tell(ClientProgress(client=kind.name, words=text, good=good))

    def _tell(self, text: str) -> None:
        self._stage.context.listener.tell(Note(text=text))


def _last(work: Work) -> float:
    """Return when the last acknowledgement of a client was; now if it has just begun."""
    operations = tuple(work.operations)
    if not operations:
        return time.monotonic()
    return next((each.ended for each in reversed(operations) if each.ok), operations[0].began)


def _last_error(work: Work) -> str:
    return next((each.error for each in reversed(tuple(work.operations)) if each.error), "none")


def _works(work: Work) -> bool:
    return bool(work.operations) and time.monotonic() - _last(work) < FRESH


def _all_work(load: Load) -> bool:
    return all(map(_works, load.work))


def _report(kind: KindLoad, began: float, finish: float) -> ClientReport:
    """Return what a kind of client noticed. Looks up what is stored."""
    writes, reads = kind.operations(Doing.WRITE), kind.operations(Doing.READ)
    everything = [*writes, *reads]
    after = [each for each in everything if each.ended > began and each.ended < float("inf")]
    kept = acknowledged(writes)
    stored = kind.stored() if kind.kind.writes else set()
    wrong = history.violations(register_writes(writes), register_reads(reads)) if kind.kind.register else None
    first = min((each.ended for each in everything if each.ok), default=began)
    return ClientReport(
        name=kind.name,
        writes=len(kept),
        reads=sum(each.ok for each in reads),
        write_gap=longest_gap(writes, begin=began, end=finish) if kind.kind.writes else None,
        read_gap=longest_gap(reads, begin=began, end=finish),
        usual_gap=max(
            longest_gap(each, begin=first, end=began) for each in ((writes, reads) if kind.kind.writes else (reads,))
        ),
        errors=sum(not each.ok for each in after),
        kinds_of_error=kinds_of_error(after),
        lost=len(kept - stored) if stored is not None else None,
        violations=None if wrong is None else tuple(each.what for each in wrong),
        worked_again=all(map(_worked, kind.work)),
    )


def _worked(work: Work) -> bool:
    """Whether the last operations of a client were acknowledged; one that the end of the load cut off does not count."""
    return any(each.ok for each in tuple(work.operations)[-3:])


def _chart(kind: KindLoad, begin: float, end: float) -> tuple[str, tuple[int, ...], tuple[int, ...]]:
    return (
        kind.name,
        tuple(rate(kind.operations(Doing.WRITE), begin=begin, end=end, buckets=_BUCKETS)) if kind.kind.writes else (),
        tuple(rate(kind.operations(Doing.READ), begin=begin, end=end, buckets=_BUCKETS)),
    )
