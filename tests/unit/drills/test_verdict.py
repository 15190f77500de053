from __future__ import annotations

from nexusdev.components.drills import ClientGoal, Scenario, Victim
from nexusdev.drills.measure import ClientReport
from nexusdev.drills.verdict import Round, findings, missed
from nexusdev.faults import Fault

SCENARIO = Scenario(
    name="shop-kill",
    hypothesis="Nothing is lost.",
    fault=Fault.KILL,
    victim=Victim(role="primary"),
    clients={"shop.direct": ClientGoal(write_gap=4.0, unfenced=25.0, read_gap=4.0, linearizable=True)},
    detect=10.0,
    redundant=60.0,
)


def client(**changed: object) -> ClientReport:
    members = {"write_gap": 2.0, "read_gap": 2.0, "lost": 0, "violations": ()}
    return ClientReport(name="shop.direct", **{**members, **changed})  # type: ignore[arg-type]


def missing(
    *, fencing: bool = True, detected: float | None = 1.0, redundant: float | None = 9.0, **changed: object
) -> tuple[str, ...]:
    found = Round(victims=("shop-0",), clients=(client(**changed),), held=5.0, redundant=redundant, detected=detected)
    return missed(findings(SCENARIO, found, fencing=fencing))


def test_everything_in_time_meets_every_target() -> None:
    assert missing() == ()


def test_a_long_gap_misses_its_target() -> None:
    assert missing(write_gap=4.1) == ("shop.direct write gap: 4.1 s, target 4 s",)


def test_without_fencing_the_lease_counts() -> None:
    assert missing(write_gap=21.0, read_gap=21.0, fencing=False) == ()
    assert len(missing(write_gap=26.0, read_gap=26.0, fencing=False)) == 2


def test_one_lost_write_is_too_much() -> None:
    assert missing(lost=1) == ("shop.direct lost writes: 1, target 0",)


def test_what_could_not_be_looked_up_is_no_success() -> None:
    assert missing(lost=None) == ("shop.direct lost writes: unknown, target 0",)


def test_a_stale_read_misses_its_target() -> None:
    assert missing(violations=("1 was read after 2",)) == ("shop.direct stale reads: 1, target 0",)


def test_never_ready_again_misses_its_target() -> None:
    assert missing(redundant=None) == ("ready again: unknown, target 60 s",)


def test_a_failure_that_nobody_sees_misses_its_target() -> None:
    assert missing(detected=None) == ("detected by status: unknown, target 10 s",)


def test_a_client_that_does_not_work_again_misses_its_target() -> None:
    assert missing(worked_again=False) == ("shop.direct works again: unknown, target 60 s",)


def test_what_is_not_promised_is_measured_and_cannot_be_missed() -> None:
    loose = Scenario(
        name="shop-kill",
        hypothesis="",
        fault=Fault.KILL,
        victim=Victim(role="primary"),
        clients={"shop.direct": ClientGoal(lost=None, why="asynchronous")},
        detect=None,
    )
    found = Round(victims=("shop-0",), clients=(client(lost=12, write_gap=99.0),), held=5.0, redundant=9.0)
    rows = findings(loose, found, fencing=True)
    assert missed(rows) == ()
    assert next(each.measured for each in rows if each.what == "shop.direct lost writes") == 12
