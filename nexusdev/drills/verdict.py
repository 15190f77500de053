"""Which targets of a scenario are met. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from nexusdev.components.drills import ClientGoal, Fencing, Scenario
from nexusdev.drills.measure import ClientReport


class Measurement(Struct, frozen=True, kw_only=True):
    """One figure and its target.

    Attributes:
        what: What was measured: ``postgres.pool write gap``.
        measured: The figure; None if it could not be measured.
        target: The largest figure that meets the target; None if nothing is promised.
        unit: ``s``, or '' for a number of things.
        note: What else is to be said, such as why nothing is promised.
    """

    what: str
    measured: float | None
    target: float | None
    unit: str = "s"
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is met. What has no target always is; what could not be measured never is."""
        return self.target is None or (self.measured is not None and self.measured <= self.target)


class Round(Struct, frozen=True, kw_only=True):
    """One run of a scenario.

    Attributes:
        victims: The servers that were hit.
        clients: What each kind of client noticed.
        detected: Seconds until ``status`` showed the failure; None if it did not.
        alerted: Seconds until the first new alert fired; None if none did.
        alert: Its name.
        held: How long the fault lasted, in seconds.
        redundant: Seconds until everything was ready again, after the end of the fault (after the fault, if it ends by itself).
        fenced: What ``watch`` did; empty if it had nothing to do or did not run.
        leaders: The server that led before and the one that leads after, where it changed: component → (before, after).
        troubles: What went wrong beside the measurement.
        charts: Client → acknowledged operations per part of ``charted`` seconds: (writes, reads).
        charted: From when to when the charts are, in seconds after the fault.
    """

    victims: tuple[str, ...]
    clients: tuple[ClientReport, ...]
    held: float
    redundant: float | None
    detected: float | None = None
    alerted: float | None = None
    alert: str = ""
    fenced: tuple[Fencing, ...] = ()
    leaders: tuple[tuple[str, str, str], ...] = ()
    troubles: tuple[str, ...] = ()
    charts: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = ()
    charted: tuple[float, float] = (0.0, 0.0)


def findings(scenario: Scenario, found: Round, *, fencing: bool) -> tuple[Measurement, ...]:
    """Return every figure of a round with its target.

    Args:
        scenario: The scenario.
        found: What was measured.
        fencing: Whether somebody fenced servers that had ended.
    """
    rows = [
        Measurement(what="detected by status", measured=found.detected, target=scenario.detect)
        if found.detected is not None or scenario.detect is not None
        else None,
        *(
            finding
            for client in found.clients
            for finding in _of_client(client, scenario.clients[client.name], scenario, fencing=fencing)
        ),
        Measurement(what="ready again", measured=found.redundant, target=scenario.redundant),
    ]
    return tuple(each for each in rows if each is not None)


def _of_client(client: ClientReport, goal: ClientGoal, scenario: Scenario, *, fencing: bool) -> Sequence[Measurement]:
    write_target = goal.write_gap if fencing or goal.unfenced is None else goal.unfenced
    read_target = write_target if goal.read_gap == goal.write_gap else goal.read_gap
    rows = []
    if client.write_gap is not None:
        rows.append(
            Measurement(what=f"{client.name} write gap", measured=client.write_gap, target=write_target, note=goal.why)
        )
        rows.append(Measurement(what=f"{client.name} lost writes", measured=client.lost, target=goal.lost, unit=""))
    if client.read_gap is not None:
        rows.append(
            Measurement(what=f"{client.name} read gap", measured=client.read_gap, target=read_target, note=goal.why)
        )
    if client.violations is not None:
        target = 0 if goal.linearizable else None
        note = client.violations[0] if client.violations else ""
        rows.append(
            Measurement(
                what=f"{client.name} stale reads",
                measured=len(client.violations),
                target=target,
                unit="",
                note=note,
            )
        )
    rows.append(Measurement(what=f"{client.name} errors", measured=client.errors, target=None, unit=""))
    if not client.worked_again:
        rows.append(
            Measurement(what=f"{client.name} works again", measured=None, target=scenario.redundant, note="it does not")
        )
    return rows


def missed(found: Sequence[Measurement]) -> tuple[str, ...]:
    """Return a sentence for each target that is not met."""
    return tuple(_said(each) for each in found if not each.met)


def _said(each: Measurement) -> str:
    figure = "unknown" if each.measured is None else f"{each.measured:.1f} s" if each.unit else f"{each.measured:.0f}"
    target = f"{each.target:g} {each.unit}".strip() if each.target is not None else ""
    return f"{each.what}: {figure}, target {target}"
