"""The five dashboards as files: what Python makes of them is what lies in git, and it can be read, aimed at and believed."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.dashboards.catalogue import DASHBOARDS
from scripts.dashboards.export import SOURCE, TAG, text
from scripts.dashboards.grid import COLUMNS, Place, lay_out, title_fits
from scripts.dashboards.model import Bars, Colour, Dashboard, Graph, Panel, Query, Row, Stat, Step, Table, Timeline
from scripts.dashboards.security import GUARDS

MONITORING = Path(__file__).parents[5] / "compose" / "monitoring"
FOLDER = MONITORING / "grafana" / "dashboards"

each_dashboard = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.uid)


def alert_rules() -> dict[str, str]:
    """Alert → its expression, of all rule files."""
    files = [yaml.safe_load(file.read_text()) for file in sorted((MONITORING / "rules").glob("*.yml"))]
    rules = [rule for file in files for group in file["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["expr"] for rule in rules if "alert" in rule}


def panels_as_written(dashboard: Dashboard) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads((FOLDER / f"{dashboard.uid}.json").read_text())["panels"]
    return panels


def test_there_are_exactly_five_dashboards() -> None:
    assert [each.uid for each in DASHBOARDS] == ["infrastructure", "postgresql", "redis", "minio", "security"]
    assert {file.name for file in FOLDER.iterdir()} == {f"{each.uid}.json" for each in DASHBOARDS}


@each_dashboard
def test_the_committed_json_matches_the_builder(dashboard: Dashboard) -> None:
    assert (FOLDER / f"{dashboard.uid}.json").read_text() == text(dashboard), "type: make dashboards"


@each_dashboard
def test_every_dashboard_has_a_uid_and_links_to_the_others(dashboard: Dashboard) -> None:
    written = json.loads((FOLDER / f"{dashboard.uid}.json").read_text())
    assert (written["uid"], written["title"]) == (dashboard.uid, dashboard.title)
    assert TAG in written["tags"]
    assert written["links"][0]["tags"] == [TAG]
    assert (written["refresh"], written["timezone"], written["editable"]) == ("5s", "browser", False)
    [variable] = written["templating"]["list"]
    assert (variable["name"], variable["includeAll"], variable["datasource"]) == ("instance", True, SOURCE)


@each_dashboard
def test_the_first_row_has_single_values(dashboard: Dashboard) -> None:
    first = dashboard.rows[0]
    assert all(isinstance(panel, Stat) for panel in first.panels)
    assert sum(panel.width for panel in first.panels) == COLUMNS
    assert dashboard.rows[-1].title == "What failed last"


@each_dashboard
def test_no_panel_overlaps_another_or_leaves_the_grid(dashboard: Dashboard) -> None:
    places = [
        Place(x=at["x"], y=at["y"], width=at["w"], height=at["h"])
        for at in (panel["gridPos"] for panel in panels_as_written(dashboard))
    ]
    assert all(place.x >= 0 and place.x + place.width <= COLUMNS for place in places)
    assert not [pair for pair in combinations(places, 2) if pair[0].overlaps(pair[1])]


@each_dashboard
def test_every_row_of_panels_fills_the_grid(dashboard: Dashboard) -> None:
    filled: dict[int, int] = {}
    for panel in panels_as_written(dashboard):
        filled[panel["gridPos"]["y"]] = filled.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
    assert set(filled.values()) == {COLUMNS}


@each_dashboard
def test_ids_are_unique_and_every_query_uses_the_prometheus_datasource(dashboard: Dashboard) -> None:
    written = panels_as_written(dashboard)
    assert len({panel["id"] for panel in written}) == len(written)
    aimed = [panel for panel in written if panel["type"] != "row"]
    assert all(panel["datasource"] == SOURCE for panel in aimed)
    assert all(target["datasource"] == SOURCE for panel in aimed for target in panel["targets"])


@each_dashboard
def test_every_panel_has_a_description_with_actions_and_a_unit(dashboard: Dashboard) -> None:
    titles = [panel.title for panel in dashboard.panels]
    for panel in dashboard.panels:
        assert panel.what.endswith("."), panel.title
        assert panel.do, panel.title
        assert panel.unit, panel.title
        assert panel.queries, panel.title
        assert title_fits(panel), f"{panel.title}: the title is cut off"
    assert {title for title in titles if titles.count(title) > 1} == set()


@each_dashboard
def test_thresholds_rise_and_ratios_end_at_one(dashboard: Dashboard) -> None:
    for panel in dashboard.panels:
        values = [step.value for step in panel.steps]
        assert values == sorted(set(values)), panel.title
        if panel.unit == "percentunit":
            assert (panel.minimum, panel.maximum) == (0, 1), panel.title


@each_dashboard
def test_every_alert_that_a_panel_names_exists(dashboard: Dashboard) -> None:
    known = alert_rules()
    assert {name for panel in dashboard.panels for name in panel.related_alerts} <= known.keys()


def test_every_alert_has_a_panel() -> None:
    shown = {name for dashboard in DASHBOARDS for panel in dashboard.panels for name in panel.related_alerts}
    assert alert_rules().keys() - shown == set()


@each_dashboard
def test_colors_change_at_alert_thresholds(dashboard: Dashboard) -> None:
    rules = alert_rules()
    for panel in dashboard.panels:
        for step in panel.steps:
            if step.alert:
                assert step.value in limits(rules[step.alert]), f"{panel.title}: {step.alert} fires at another value"


def test_the_security_dashboard_shows_its_alerts() -> None:
    own = yaml.safe_load((MONITORING / "rules" / "security.yml").read_text())
    names = [rule["alert"] for group in own["groups"] for rule in group["rules"] if "alert" in rule]
    [pattern] = re.findall(r'"(.+)"', GUARDS)
    assert [name for name in names if not re.fullmatch(pattern, name)] == []


def limits(expr: str) -> set[float]:
    """Values at which an alert of this expression begins or ends: those that it compares with, and for whole numbers the next.

    A count that alerts at ``> 0`` turns red at 1, one that alerts at ``== 0`` turns green there.
    """
    found: set[float] = set()
    for operator, number in re.findall(r"(==|>=|<=|>|<)\s*(\d+(?:\.\d+)?)", expr):
        found.add(float(number))
        if operator in ("==", ">", "<=") and float(number).is_integer():
            found.add(float(number) + 1)
    return found


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        ("up == 0", {0, 1}),
        ("a / b > 0.9", {0.9}),
        ("increase(x[2m]) > 5", {5, 6}),
        ("free < 0.1 and bytes < 10737418240", {0.1, 10737418240}),
        ("a unless on (b) c", set()),
    ],
)
def test_the_limits_of_an_alert_are_read_from_its_expression(expr: str, expected: set[float]) -> None:
    assert limits(expr) == expected


def a_panel(title: str, width: int, height: int = 4) -> Panel:
    return Graph(title=title, what="…", do="…", unit="none", queries=(Query(expr="up"),), width=width, height=height)


def test_panels_flow_left_to_right_and_rows_have_the_height_of_the_tallest() -> None:
    rows = (
        Row(title="one", panels=(a_panel("a", 16, 4), a_panel("b", 8, 6), a_panel("c", 12))),
        Row(title="two", panels=(a_panel("d", 24),)),
    )
    drawn = [f"{each.title} {place.x},{place.y} {place.width}x{place.height}" for each, place in lay_out(rows)]
    assert drawn == ["one 0,0 24x1", "a 0,1 16x4", "b 16,1 8x6", "c 0,7 12x4", "two 0,11 24x1", "d 0,12 24x4"]


def test_the_description_ends_with_its_alerts() -> None:
    panel = Stat(
        title="t",
        what="Shows.",
        do="Act.",
        unit="none",
        queries=(Query(expr="up"),),
        steps=(Step(value=1, colour=Colour.RED, alert="B"), Step(value=2, colour=Colour.RED, alert="A")),
        alerts=("A", "C"),
    )
    assert panel.description == "Shows.\n\nWhat to do: Act.\n\nAlerts: B, A, C (docs/runbooks.md)."


def test_every_panel_type_is_used_and_known_to_grafana() -> None:
    kinds = {type(panel) for dashboard in DASHBOARDS for panel in dashboard.panels}
    assert kinds == {Stat, Graph, Timeline, Bars, Table}
