"""Every alert is tested in both directions, says what a person needs, and has its page in the runbooks; and nothing is left over."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from nexusdev.components.registry import ROWS

ROOT = Path(__file__).parents[4]
RULES = ROOT / "compose" / "monitoring" / "rules"
RUNBOOKS = ROOT / "docs" / "runbooks.md"
SEVERITIES = {"critical", "warning", "info"}
# The parts of a runbook page, in this order.
PAGE = ("See", "Type", "By itself")


@dataclass(frozen=True, kw_only=True)
class Alert:
    """A rule that alerts, and the file that it is written in."""

    file: str
    name: str
    written: Mapping[str, Any]

    @property
    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.written["labels"]
        return found

    @property
    def annotations(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.written["annotations"]
        return found


def rules(folder: Path = RULES) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for file in sorted(folder.glob("*.yml")):
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from ((file.stem, rule) for rule in group["rules"])


ALERTS = [Alert(file=file, name=rule["alert"], written=rule) for file, rule in rules() if "alert" in rule]
RECORDS = [rule["record"] for _, rule in rules() if "record" in rule]


def tried() -> Iterator[tuple[str, str, bool]]:
    """(file, alert, whether it is to fire) of every expectation in the tests beside the rules."""
    for file in sorted((RULES / "tests").glob("*.yml")):
        for test in yaml.safe_load(file.read_text())["tests"]:
            for each in test.get("alert_rule_test", ()):
                yield file.stem, each["alertname"], bool(each["exp_alerts"])


TRIED = set(tried())


def pages() -> Mapping[str, str]:
    """Heading → what stands under it, of every page of the runbooks."""
    _, *found = re.split(r"^### ", RUNBOOKS.read_text(), flags=re.MULTILINE)
    return {page.split("\n", 1)[0]: re.split(r"^## ", page.split("\n", 1)[1], flags=re.MULTILINE)[0] for page in found}


each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)


@each_alert
def test_every_alert_is_tested_to_fire_and_to_stay_silent(alert: Alert) -> None:
    assert (alert.file, alert.name, True) in TRIED, f"no test in tests/{alert.file}.yml in which it fires"
    assert (alert.file, alert.name, False) in TRIED, f"no test in tests/{alert.file}.yml in which it stays silent"


def test_alert_names_are_unique_and_tests_name_existing_alerts() -> None:
    assert len(ALERTS) >= 35
    twice = [name for name, times in Counter([*(alert.name for alert in ALERTS), *RECORDS]).items() if times > 1]
    assert twice == []
    assert {name for _, name, _ in TRIED} == {alert.name for alert in ALERTS}


@each_alert
def test_every_alert_has_component_and_severity(alert: Alert) -> None:
    assert re.fullmatch(r"([A-Z][a-z]+)+", alert.name)
    assert alert.labels["severity"] in SEVERITIES
    # Those without a label of their own take it from what their expression aggregates by; their tests show which.
    assert alert.labels.get("component", "monitoring") in ROWS


@each_alert
def test_every_alert_has_summary_and_action(alert: Alert) -> None:
    assert set(alert.annotations) == {"summary", "description", "runbook"}
    assert len(alert.annotations["summary"]) <= 100
    assert not alert.annotations["summary"].endswith(".")
    assert "`" in alert.annotations["description"], "no command to type"


@each_alert
def test_drilled_alerts_fire_within_half_a_minute(alert: Alert) -> None:
    """Two scrapes, two evaluations and this must fit into 45 s; at once would be noise, as a scrape may be lost."""
    seconds = re.fullmatch(r"(\d+)s", alert.written["for"])
    assert seconds is not None
    assert 5 <= int(seconds[1]) <= 30


@each_alert
def test_every_runbook_section_has_its_three_parts(alert: Alert) -> None:
    assert alert.annotations["runbook"] == f"docs/runbooks.md#{alert.name.lower()}"
    page = pages()[alert.name]
    found = re.findall(r"^- \*\*([\w ]+)\*\*: (\S.*)$", page, flags=re.MULTILINE)
    assert tuple(name for name, _ in found) == PAGE
    assert page.strip().split("\n\n")[0], "what it means comes first"


def test_every_runbook_section_belongs_to_an_alert() -> None:
    assert sorted(pages()) == sorted(alert.name for alert in ALERTS)
    text = RUNBOOKS.read_text()
    assert set(re.findall(r"\(#([\w-]+)\)", text)) <= {name.lower() for name in pages()}


def test_runbook_commands_exist() -> None:
    import typer

    from nexusdev.cli.app import app
    from nexusdev.cli.commands import __all__ as imported

    assert imported
    known = set(typer.main.get_group(app).commands)
    said = "".join([RUNBOOKS.read_text(), *(alert.annotations["description"] for alert in ALERTS)])
    assert set(re.findall(r"`nexusdev ([a-z0-9]+)", said)) <= known


@pytest.mark.parametrize("name", RECORDS)
def test_recording_rules_have_the_project_prefix(name: str) -> None:
    assert name.startswith("nexus:")
