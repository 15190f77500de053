"""Rule files and dashboards that somebody broke, each told with its line; and what promtool's words mean."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nexusdev.components.capabilities import ValidatesConfig
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.monitoring import dashboard_files, promtool, rule_files
from nexusdev.errors import InvalidConfig
from nexusdev.stack.model import FileMount, Service

COMPONENT = ComponentSet()["monitoring"]

HERE = Path(__file__).parents[4] / "compose" / "monitoring"
RULES = """\
groups:
  - name: redis
    interval: 1m30s
    rules:
      - record: nexus:up:sum
        expr: sum(up)
      - alert: RedisDown
        expr: up{job="redis"} == 0
        for: 10s
        labels: {severity: critical}
        annotations:
          summary: "{{ $labels.instance }} is down, ${ODD} and $value"
"""


def rule_file(folder: Path, text: str) -> Path:
    file = folder / "redis.yml"
    file.write_text(text)
    return file


def test_a_valid_file_with_dollar_signs_is_accepted(tmp_path: Path) -> None:
    rule_files.check(rule_file(tmp_path, RULES))
    rule_files.check(rule_file(tmp_path, "groups: []\n"))


@pytest.mark.parametrize("file", sorted((HERE / "rules").glob("*.yml")), ids=lambda file: file.stem)
def test_the_shipped_rules_are_valid(file: Path) -> None:
    rule_files.check(file)


@pytest.mark.parametrize(
    ("good", "broken", "line", "problem"),
    [
        ("groups:", "group:", 1, "unknown key group"),
        ("    rules:", "    rulez:", 4, "unknown key rulez"),
        ("  - name: redis\n", "  - nome: redis\n", 2, "unknown key nome"),
        ("interval: 1m30s", "interval: soon", 3, "must be a duration such as"),
        ("record: nexus:up:sum", "record: nexus up", 5, "invalid metric name 'nexus up'"),
        ("- record: nexus:up:sum", "- recrod: nexus:up:sum", 5, "unknown key recrod"),
        ("        expr: sum(up)\n", "", 5, "expr is missing"),
        ("        expr: sum(up)\n", "        expr: sum(up)\n        for: 5s\n", 7, "unknown key for"),
        ("        expr: sum(up)\n", "        expr:\n", 6, "must be a string, not nothing"),
        ("- alert: RedisDown\n", "- alert: X\n        record: y\n", 7, "alert and record are both set"),
        ("- alert: RedisDown\n        expr", "- expr", 7, "alert or record is missing"),
        ("for: 10s", "for: 10", 9, "must be a duration such as 30s, 5m or 1h30m, not '10'"),
        ("labels: {severity", "labels: {sever-ity", 10, "invalid label name 'sever-ity'"),
        ("labels: {severity: critical}", "labels: [critical]", 10, "must be a mapping"),
        ("annotations:", "annotation:", 11, "unknown key annotation"),
        ("summary: ", "summary: [", 13, "invalid YAML"),
        ("for: 10s", "for: 10s\n        for: 5s", 10, "is duplicated"),
    ],
)
def test_an_invalid_rule_is_reported_with_its_line(
    tmp_path: Path, good: str, broken: str, line: int, problem: str
) -> None:
    assert good in RULES
    file = rule_file(tmp_path, RULES.replace(good, broken, 1))
    with pytest.raises(InvalidConfig) as raised:
        rule_files.check(file)
    assert raised.value.message.startswith(f"{file}:{line}")
    assert problem in raised.value.message
    assert raised.value.exit_status == 12


@pytest.mark.parametrize(
    ("written", "meant"),
    [("groups:", "group:"), ("  rules:", "  rulez:"), ("- record:", "- recrod:"), ("annotations:", "annotation:")],
)
def test_an_unknown_key_suggests_the_nearest(tmp_path: Path, written: str, meant: str) -> None:
    with pytest.raises(InvalidConfig) as raised:
        rule_files.check(rule_file(tmp_path, RULES.replace(written, meant, 1)))
    assert raised.value.hint == f"did you mean {written.strip('- :')}?"


def test_invalid_yaml_is_reported_with_its_column(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"redis\.yml:2: invalid YAML: .* \(column 4\)"):
        rule_files.check(rule_file(tmp_path, "groups:\n  x: }\n"[:9] + "  }\n"))


def test_duplicate_group_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="group redis is duplicated") as raised:
        rule_files.check(rule_file(tmp_path, RULES + RULES.removeprefix("groups:\n")))
    assert raised.value.why == "first in line 2"


DASHBOARD = {"title": "Redis", "uid": "redis", "panels": [{"type": "stat", "datasource": {"uid": "prometheus"}}]}


def dashboard(folder: Path, text: str) -> Path:
    file = folder / "redis.json"
    file.write_text(text)
    return file


def test_a_valid_dashboard_is_accepted(tmp_path: Path) -> None:
    dashboard_files.check(dashboard(tmp_path, json.dumps(DASHBOARD, indent=2)))


@pytest.mark.parametrize("file", sorted((HERE / "grafana" / "dashboards").glob("*.json")), ids=lambda file: file.stem)
def test_the_shipped_dashboards_are_valid(file: Path) -> None:
    dashboard_files.check(file)


@pytest.mark.parametrize(
    ("good", "broken", "line", "problem"),
    [
        ('"title": "Redis",', '"title": "Redis"', 3, "invalid JSON: Expecting ',' delimiter (column 3)"),
        ('"uid": "redis"', '"uid": "redsi"', 3, "uid is 'redsi'"),
        ('"uid": "redis"', '"uuid": "redis"', 3, "uid is missing"),
        ('"title": "Redis"', '"title": ""', 2, "must be a non-empty string"),
        ('"type": "stat"', '"kind": "stat"', 4, "panel 1 is not an object with a type"),
    ],
)
def test_a_broken_dashboard_is_reported_with_its_line(
    tmp_path: Path, good: str, broken: str, line: int, problem: str
) -> None:
    text = json.dumps(DASHBOARD, indent=2)
    assert good in text
    file = dashboard(tmp_path, text.replace(good, broken, 1))
    with pytest.raises(InvalidConfig) as raised:
        dashboard_files.check(file)
    assert raised.value.message.startswith(f"{file}:{line}")
    assert problem in raised.value.message


@pytest.mark.parametrize("text", ["[]", "null", '{"uid": "redis", "title": "x", "panels": []}', '{"uid": 3}'])
def test_a_file_that_is_no_dashboard_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidConfig, match=r"redis\.json:1"):
        dashboard_files.check(dashboard(tmp_path, text))


# What promtool 2.53 writes.
SAID = """\
Checking redis.yml
  FAILED:
redis.yml: 8:15: group "redis", rule 2, "RedisDown": could not parse expression: 1:18: parse error: unexpected "("
redis.yml: group "redis", rule 2, "RedisDown": annotation "summary": template: unexpected "}" in operand
""".splitlines()


def test_promtool_errors_are_mapped_to_lines_of_the_files(tmp_path: Path) -> None:
    file = rule_file(tmp_path, RULES)
    error = promtool.interpret(1, SAID, {"redis.yml": file})
    assert error is not None
    assert error.message == (f'{file}:8: RedisDown: could not parse expression: 1:18: parse error: unexpected "("')
    assert error.evidence == (
        'redis.yml:8 | expr: up{job="redis"} == 0',
        'redis.yml:12: RedisDown: annotation "summary": template: unexpected "}" in operand',
    )


def test_other_promtool_output_is_shown_unchanged(tmp_path: Path) -> None:
    error = promtool.interpret(1, ["Checking redis.yml", "  FAILED:", "something new"], {"redis.yml": tmp_path})
    assert error is not None
    assert error.evidence == ("  FAILED:", "something new")


@pytest.mark.parametrize("code", [0, 126, 127], ids=["all is well", "it cannot be run", "it is not there"])
def test_promtool_output_without_a_verdict_is_no_error(code: int) -> None:
    assert promtool.interpret(code, SAID, {}) is None


def test_every_mounted_rule_and_dashboard_file_is_checked(tmp_path: Path) -> None:
    def mount(target: str) -> FileMount:
        return FileMount(kind="config", name="x", source=tmp_path / target.rpartition("/")[2], target=target)

    prometheus = Service(
        name="prometheus-0",
        image="prometheus:1",
        component="monitoring",
        group="prometheus",
        files=(mount("/etc/prometheus/prometheus.yml"), mount("/etc/prometheus/rules/redis.yml")),
    )
    grafana = Service(
        name="grafana",
        image="grafana:1",
        component="monitoring",
        group="grafana",
        files=(mount("/etc/grafana/dashboards/redis.json"), mount("/etc/grafana/nexus.ini")),
    )
    assert isinstance(COMPONENT, ValidatesConfig)
    assert COMPONENT.files([grafana, prometheus]) == (tmp_path / "redis.yml", tmp_path / "redis.json")
    [trial] = COMPONENT.image_checks([grafana, prometheus])
    assert (trial.image, dict(trial.files)) == ("prometheus:1", {"redis.yml": tmp_path / "redis.yml"})
    assert COMPONENT.image_checks([grafana]) == ()
