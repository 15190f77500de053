"""The benchmark's own arithmetic and page: a wrong ratio would be published without anybody noticing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from msgspec.structs import replace

from scripts.benchmark import cold_record, fixtures, report, rounds
from scripts.benchmark.__main__ import main
from scripts.benchmark.costs import Cost, Idle
from scripts.benchmark.figures import Distribution, Excess, distribution, excesses, slowest_component
from scripts.benchmark.peer import override
from scripts.benchmark.rows import Measured


def span(name: str, began: float, ended: float, *, kind: str = "wait", component: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "component": component,
        "began": began,
        "ended": ended,
        "seconds": ended - began,
    }


def timings(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"total": max(each["ended"] for each in spans), "spans": list(spans)}


def test_a_distribution_shows_the_tail() -> None:
    found = distribution([15.5, 30.1, 16.1])
    assert (found.median, found.least, found.most, found.rounds) == (16.1, 15.5, 30.1, 3)
    assert found.tail == pytest.approx(30.1 / 16.1)


def test_the_cause_of_the_slowest_round_is_named_with_its_usual_duration() -> None:
    usual = timings(span("start", 0, 3), span("minio: waits for drives", 3, 5))
    slow = timings(span("start", 0, 3.4), span("minio: waits for drives", 3, 21), span("vault: is sealed", 3, 6))
    assert excesses([usual, slow, usual]) == (
        Excess(name="minio: waits for drives", seconds=18, usual=2),
        Excess(name="vault: is sealed", seconds=3, usual=0),
    )


def test_repeated_waits_are_summed() -> None:
    usual = timings(span("redis: loads", 0, 1))
    slow = timings(span("redis: loads", 0, 1), span("redis: loads", 2, 5))
    assert excesses([usual, usual, slow]) == (Excess(name="redis: loads", seconds=4, usual=1),)


def test_the_slowest_component_is_measured_from_its_first_wait_to_its_last() -> None:
    found = timings(
        span("a", 0, 2, component="vault"),
        span("b", 5, 9, component="vault"),
        span("c", 0, 8, component="redis"),
        span("d", 0, 30, kind="seed", component="redis"),
    )
    assert slowest_component(found) == ("vault", 9)


@pytest.mark.parametrize(
    ("engine", "quick"), [(20, {"interval": "2s"}), (24, {"interval": "2s"}), (25, {"start_interval": "2s"})]
)
def test_the_tuned_peer_checks_every_two_seconds(engine: int, quick: dict[str, str]) -> None:
    written = yaml.safe_load(override(["redis-0", "vault-0"], engine=engine))
    check = {**quick, "timeout": "5s", "start_period": "120s"}
    assert written == {"services": {"redis-0": {"healthcheck": check}, "vault-0": {"healthcheck": check}}}


def one(seconds: float) -> Distribution:
    return distribution([seconds])


FULL = Idle(
    groups={"prometheus": Cost(cores=0.1, mebibytes=200), "minio-client": Cost(cores=0.0, mebibytes=1)},
    containers=35,
    engine=0.02,
)
MEASURED = Measured(
    tree="1234567",
    machine="2 cores",
    date="2026-01-02",
    acts={
        rounds.UP: distribution([10.0, 12.0, 18.0]),
        rounds.TUNED: one(24.0),
        rounds.PEER: one(48.0),
        rounds.FLOOR: one(8.0),
        rounds.CORE: one(10.0),
        rounds.FIRST: one(16.0),
        rounds.DOWN: one(4.0),
        rounds.AGAIN: one(0.36),
        rounds.STATUS: one(0.48),
        rounds.ENV: one(0.12),
        rounds.HELP: one(0.06),
        rounds.PYTHON: one(0.012),
    },
    slowest=("vault", 4.0),
    excess=(Excess(name="minio: waits for drives", seconds=18, usual=2),),
    full=FULL,
    core=replace(FULL, groups={"minio-client": Cost(cores=0.05, mebibytes=50)}),
)


def cells(page: str, act: str) -> list[str]:
    """The cells of a row and of the rows below it that go on about the same act."""
    lines = page.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith(f"| {act} |"))
    end = next((number for number in range(at + 1, len(lines)) if not lines[number].startswith("|  |")), len(lines))
    return [cell.strip() for line in lines[at:end] for cell in line.strip("|").split("|")]


def page(measured: Measured = MEASURED, *, before: Measured | None = None, cold: str = "") -> str:
    return report.page(measured, before=before, cold=cold)


def test_both_peers_are_published_and_the_promise_uses_the_tuned_one() -> None:
    row = cells(page(), "`up`, images and data present")
    assert row[1:] == ["12.0 s (10.0 to 18.0, 3 rounds)", "0.50 × Compose, tuned (24.0 s)", "≤ 0.6 ×", "kept"]
    assert cells(page(), "the same, beside Compose as the files stand")[2:] == ["0.25 × Compose (48.0 s)", "", ""]
    assert cells(page(), "the same, beside the floor")[2:] == ["1.50 × the floor (8.0 s)", "", ""]
    assert (
        cells(page(), "the same, beside the floor and the slowest component")[2]
        == "1.00 × (the floor + 4.0 s of vault)"
    )


def test_the_slowest_round_is_listed_with_its_cause() -> None:
    assert cells(page(), "the slowest `up` with data")[1:] == [
        "18.0 s of 3 rounds",
        "1.50 × the median",
        "≤ 1.3 ×",
        "**missed**",
    ]
    assert cells(page(), "`minio: waits for drives`")[1:] == ["18.0 s", "2.0 s"]
    assert "## The slowest" not in page(replace(MEASURED, excess=()))


@pytest.mark.parametrize(
    ("act", "ratio", "kept"),
    [
        ("`up`, nothing to do; 0 containers touched", "30.0 ×", "**missed**"),
        ("`status`", "40.0 ×", "**missed**"),
        ("`env`, proven", "10.0 ×", "kept"),
    ],
)
def test_commands_are_multiples_of_an_empty_python_process(act: str, ratio: str, kept: str) -> None:
    row = cells(page(), act)
    assert (row[2], row[4]) == (f"{ratio} an empty Python process (12 ms)", kept)


def test_a_command_meets_its_target_by_time_or_by_multiple() -> None:
    slow_machine = {**MEASURED.acts, rounds.STATUS: one(0.9), rounds.PYTHON: one(0.045)}
    assert cells(page(replace(MEASURED, acts=slow_machine)), "`status`")[4] == "kept"


def test_missed_targets_are_listed_before_the_table() -> None:
    head = page().partition("\n| act |")[0]
    assert "5 of 10 promises are kept. Missed:" in head
    assert "- `status`: 40.0 × an empty Python process (12 ms), promised ≤ 400 ms or 20 ×" in head


def test_a_former_run_is_compared_with_its_own_floor() -> None:
    acts = {**MEASURED.acts, rounds.UP: one(20.0), rounds.FLOOR: one(16.0)}
    former = {"prometheus": Cost(cores=0.2, mebibytes=300), "relay": Cost(cores=0.01, mebibytes=45)}
    before = replace(MEASURED, tree="7654321", acts=acts, full=Idle(groups=former, containers=37, engine=0.03))
    text = page(before=before)
    assert "at 7654321" in text
    assert cells(text, "`up`, images and data present")[5:] == ["20.0 s", "0.83 × Compose, tuned (24.0 s)"]
    assert cells(text, "`up` with data, beside the floor before")[1:5] == [
        "12.0 s",
        "0.75 × the floor of 37 containers (16.0 s)",
        "≤ 1.0 ×",
        "kept",
    ]
    assert cells(text, "prometheus")[1:] == ["0.100", "200", "0.200", "300"]
    assert cells(text, "relay")[1:] == ["", "", "0.010", "45"]


def test_the_figures_of_a_run_are_stored_as_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(MEASURED), type=Measured) == MEASURED


def test_small_consumers_are_one_row() -> None:
    assert cells(page(), "prometheus")[1:] == ["0.100", "200"]
    assert cells(page(), "the others")[1:] == ["0.000", "1"]


def test_the_cold_section_is_kept_by_runs_that_do_not_measure_it() -> None:
    cold = report.Cold(machine="2 cores", date="2026-01-01", command="make up", total=1440, go_builds=1200)
    first = report.with_cold(page(), report.cold_section(cold))
    assert cells(first, "`make up` from nothing, without a registry")[1:] == [
        "24 min 0 s",
        "1.20 × the two Go builds alone (20 min 0 s)",
        "≤ 1.2 ×",
        "kept",
    ]
    again = page(cold=report.kept_cold(first))
    assert again == first


def test_a_page_without_a_cold_run_says_how_to_make_one(tmp_path: Path) -> None:
    assert "`make bench ARGS=--cold`" in page(cold=report.kept_cold(""))


FIRST_RUN = """\
image minio: built (517 s)
image redis: built (10 s)
image vault: built (877 s)
ready after 25 s: postgres
real	16m31.931s
user	0m56.000s
"""


def test_the_output_of_a_first_run_has_its_time_and_its_go_builds() -> None:
    assert cold_record.parse(FIRST_RUN) == cold_record.Record(command="make up", total=991.931, go_builds=877)
    assert cold_record.parse(FIRST_RUN.replace("ready", "image")).command == "make images"


@pytest.mark.parametrize(
    ("removed", "missing"), [("image vault: built", "built vault"), ("real", "lines of `time`")], ids=["build", "time"]
)
def test_an_output_without_a_figure_is_refused(removed: str, missing: str) -> None:
    with pytest.raises(ValueError, match=missing):
        cold_record.parse(FIRST_RUN.replace(removed, ""))


def test_a_recorded_first_run_says_that_its_go_builds_were_not_alone(tmp_path: Path) -> None:
    (tmp_path / "make.log").write_text(FIRST_RUN)
    (tmp_path / "page.md").write_text(page())
    main(["--cold-record", str(tmp_path / "make.log"), "--output", str(tmp_path / "page.md")])
    written = (tmp_path / "page.md").read_text()
    assert cells(written, "`make up` from nothing, without a registry")[1:] == [
        "16 min 31 s",
        "1.13 × the two Go builds in it (14 min 37 s)",
        "≤ 1.2 ×",
        "",
    ]
    assert written.startswith(page().partition("## From nothing")[0])


@pytest.mark.parametrize("word", ["0", "-1", "many"])
def test_a_wrong_number_of_rounds_is_refused_before_anything_starts(
    word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--rounds", word])
    assert "1 or more" in capsys.readouterr().err


def test_the_page_of_the_fixtures_compares_them_with_their_targets_and_peers() -> None:
    def one(milliseconds: float) -> Distribution:
        return distribution([milliseconds / 1000])

    tests = {
        "nexus_pg": one(5),
        "nexus_pg, in tests of 300 ms": one(1),
        "nexus_vault": one(30),
        "pytest-postgresql": one(10),
        "pytest-postgresql, in tests of 300 ms": one(20),
    }
    first = {"no fixture": one(400), "attached": one(900)}
    costs = fixtures.Costs(tests=tests, first=first, whole=20.0, leases={"cold": one(300)})
    text = fixtures.page(costs, tree="abc", machine="a machine", date="2026-01-01")
    assert "| `nexus_pg` | 5.0 ms (5.0 to 5.0) | 10 ms | kept |" in text
    assert "| `nexus_vault` | 30.0 ms (30.0 to 30.0) | 25 ms | **missed** |" in text
    assert "costs 0.50 × that of pytest-postgresql where tests are empty, and 0.050 × in tests" in text
    assert "| attached | 0.90 s (0.90 to 0.90) | 0.50 s |" in text
    assert "20.0 s, 100 ms each." in text
