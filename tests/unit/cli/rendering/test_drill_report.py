"""The report as HTML and Markdown, from made-up measurements."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from nexusdev.cli.rendering.drill_report import as_html, as_markdown, require_format, worst, write_report
from nexusdev.components.drills import ClientGoal, Fencing, Scenario, Victim
from nexusdev.drills.measure import ClientReport
from nexusdev.drills.verdict import Round, findings
from nexusdev.errors import UsageError
from nexusdev.faults import Fault
from nexusdev.operations.drill import DrillReport, DrillResult

SCENARIO = Scenario(
    name="shop-kill",
    hypothesis="Nothing <is> lost.",
    fault=Fault.KILL,
    victim=Victim(role="primary"),
    clients={"shop.direct": ClientGoal(write_gap=4.0, read_gap=4.0)},
)


def measured(gap: float) -> Round:
    client = ClientReport(
        name="shop.direct", writes=90, reads=95, write_gap=gap, read_gap=1.0, lost=0, kinds_of_error=(("<refused>", 3),)
    )
    return Round(
        victims=("shop-0",),
        clients=(client,),
        held=5.0,
        redundant=9.0,
        detected=1.2,
        fenced=(Fencing(service="shop-0", done="deleted the leader key of shop-0"),),
        leaders=(("shop", "shop-0", "shop-1"),),
        charts=(("shop.direct", (3, 4, 0, 0, 5), (3, 3, 1, 2, 5)),),
        charted=(-2.0, 8.0),
    )


def result(*gaps: float) -> DrillResult:
    rounds = tuple(map(measured, gaps))
    report = DrillReport(
        scenario=SCENARIO, rounds=rounds, findings=tuple(findings(SCENARIO, each, fencing=True) for each in rounds)
    )
    return DrillResult(instance="shop", drills=(report,), at=0.0, machine="2 cores")


class Reader(HTMLParser):
    """Collects the tags and notes which are left open."""

    VOID = frozenset(("meta", "rect", "line", "polyline"))

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.add(tag)


def test_the_page_is_whole_and_needs_no_network() -> None:
    page, reader = as_html(result(3.0, 4.5)), Reader()
    reader.feed(page)
    assert reader.open == []
    assert {"svg", "polyline", "table"} <= reader.seen
    assert not {"script", "link", "img"} & reader.seen
    assert "http" not in page


def test_what_comes_from_servers_is_escaped() -> None:
    page = as_html(result(3.0))
    assert "&lt;refused&gt;" in page
    assert "Nothing &lt;is&gt; lost." in page


def test_the_story_of_a_round_names_who_took_over_and_who_fenced() -> None:
    assert "kill of shop-0 for 5.0 s; shop: shop-0 → shop-1; deleted the leader key of shop-0" in as_html(result(3.0))


def test_markdown_has_the_worst_of_all_rounds() -> None:
    assert "| shop.direct write gap | 4.50 s | 3.00 s, 4.50 s | ≤ 4 s | **missed** |" in as_markdown(result(3.0, 4.5))


def test_what_could_not_be_measured_is_the_worst() -> None:
    rounds = [findings(SCENARIO, measured(3.0), fencing=True)]
    unknown = Round(victims=(), clients=(), held=0.0, redundant=None)
    found = worst([*rounds, findings(SCENARIO, unknown, fencing=True)])
    assert next(each.measured for each in found if each.what == "ready again") is None


@pytest.mark.parametrize("name", ["drill.html", "drill.md"])
def test_the_ending_of_the_name_chooses_the_format(tmp_path: Path, name: str) -> None:
    write_report(result(3.0), tmp_path / name)
    text = (tmp_path / name).read_text()
    assert text.startswith("<!doctype html>" if name.endswith("html") else "# Drills")


@pytest.mark.parametrize("name", ["drill.pdf", "nowhere/drill.html"])
def test_a_report_that_cannot_be_written_is_refused_before_the_drill(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        require_format(tmp_path / name)
