"""Runs the steps of a plan in parallel, up to four at a time, each as soon as its predecessors are done."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence

from msgspec import Struct, field

from nexusdev.errors import RuntimeSlow
from nexusdev.plan import Plan, Step

TICK = 0.05
_GRACE, _SILENCE = 15.0, 0.5  # seconds
_ATTEMPTS = 3


def nothing() -> None:
    """A check that never fails."""


def silent(_seconds: float, _running: Sequence[str]) -> None:
    """Report no running steps."""


def always(_step: Step) -> bool:
    """A gate that is always open."""
    return True


def predecessors(plan: Plan) -> Mapping[int, frozenset[int]]:
    """Return the position of each step → positions of the steps that must end before it (``Plan.waits_for`` for all steps)."""
    before: dict[int, frozenset[int]] = {}
    of_subject: dict[str, list[int]] = {}
    for position, step in enumerate(plan.steps):
        before[position] = frozenset(
            earlier for subject in {step.resource, *step.after} for earlier in of_subject.get(subject, ())
        )
        of_subject.setdefault(step.resource, []).append(position)
    return before


class PlanExecutor(Struct, kw_only=True):
    """Executes the steps of one plan in parallel.

    Only the thread that calls ``run`` reads and writes the positions of steps; worker threads report through a queue.

    Attributes:
        execute_step: Called in a worker thread with a step, and with the steps that it waited for: its predecessors, and the step
            whose slot it uses.
        gate: Returns whether a step may begin (its image is available).
        check: Called between steps; an exception from it ends the execution.
        settling: Called when a failed execution waits for running steps, with the maximum wait in seconds and the steps' names.
        slow: Called with a step that timed out in the runtime, before it is retried.
    """

    plan: Plan
    execute_step: Callable[[Step, Sequence[Step]], None]
    parallel: int = 4
    gate: Callable[[Step], bool] = always
    check: Callable[[], None] = nothing
    settling: Callable[[float, Sequence[str]], None] = silent
    slow: Callable[[Step], None] = lambda _: None
    _ended: queue.SimpleQueue[tuple[int, BaseException | None]] = field(default_factory=queue.SimpleQueue)
    _running: set[int] = field(default_factory=set)
    _started: set[int] = field(default_factory=set)
    _done: set[int] = field(default_factory=set)
    # Each free slot: the position of the step that used it last; None if it was never used. The slot that is free the longest comes first.
    _free_slots: deque[int | None] = field(default_factory=deque)
    _threads: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        """Execute all steps. An exception of a step is raised after the other running steps have ended."""
        before = predecessors(self.plan)
        self._free_slots.extend([None] * self.parallel)
        waiting = list(range(len(self.plan.steps)))
        try:
            while waiting or self._running:
                self.check()
                self._start_ready_steps(waiting, before)
                self._collect_ended(TICK)
        except BaseException:
            self._await_running_steps()
            raise

    def _start_ready_steps(self, waiting: list[int], before: Mapping[int, frozenset[int]]) -> None:
        """Start all steps whose predecessors have ended, in plan order."""
        for position in tuple(waiting):
            if not self._free_slots:
                return
            if before[position] <= self._done and self.gate(self.plan.steps[position]):
                waiting.remove(position)
                self._start(position, before[position], freed=self._free_slots.popleft())

    def _start(self, position: int, before: frozenset[int], *, freed: int | None) -> None:
        """Start the thread of a step. ``freed``: the position of the step that used its slot before."""
        self._running.add(position)
        self._started.add(position)
        step = self.plan.steps[position]
        after = self._steps_at(before if freed is None else before | {freed})
        name = f"{step.action}-{step.resource}"
        thread = threading.Thread(target=self._run_step, args=(position, after), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _steps_at(self, positions: Collection[int]) -> tuple[Step, ...]:
        return tuple(self.plan.steps[position] for position in sorted(positions))

    @property
    def completed(self) -> tuple[Step, ...]:
        """The steps that ended without an error, in plan order."""
        return self._steps_at(self._done)

    @property
    def incomplete(self) -> tuple[Step, ...]:
        """The steps that failed or still run, in plan order."""
        return self._steps_at(self._started - self._done)

    def _run_step(self, position: int, after: Sequence[Step]) -> None:
        try:
            self._execute_with_retry(self.plan.steps[position], after)
        except BaseException as error:  # passed to the thread that runs the plan
            error.add_note(f"in the step: {self.plan.steps[position]}")
            self._ended.put((position, error))
        else:
            self._ended.put((position, None))

    def _execute_with_retry(self, step: Step, after: Sequence[Step]) -> None:
        """Execute one step. Steps are idempotent, so a step that timed out is retried."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return self.execute_step(step, after)
            except RuntimeSlow:
                self.slow(step)
        return self.execute_step(step, after)

    def _collect_ended(self, patience: float) -> None:
        """Record the steps that have ended, with a short wait. Raises the exception of a failed step."""
        try:
            position, error = self._ended.get(timeout=patience)
        except queue.Empty:
            return
        self._record_end(position, error)
        if error is not None:
            raise error

    def _record_end(self, position: int, error: BaseException | None) -> None:
        self._running.discard(position)
        self._free_slots.append(position)
        if error is None:
            self._done.add(position)

    def _await_running_steps(self) -> None:
        """Wait for the running steps, because an interrupted step leaves an unknown state.

        This checks the threads and not ``_running``: a signal may have interrupted ``_collect_ended`` before it removed an ended step.
        """
        deadline = time.monotonic() + _GRACE
        self._join_threads(time.monotonic() + _SILENCE)
        if running := [thread.name for thread in self._threads if thread.is_alive()]:
            self.settling(_GRACE - _SILENCE, running)
        self._join_threads(deadline)
        with contextlib.suppress(queue.Empty):
            while True:
                self._record_end(*self._ended.get_nowait())

    def _join_threads(self, deadline: float) -> None:
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(deadline - time.monotonic(), 0.0))
