"""Every query of every panel, as Grafana would ask it, against the Prometheus of a stack that runs: it must return data."""

from __future__ import annotations

import json
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration

FOLDER = Path(__file__).parents[3] / "compose" / "monitoring" / "grafana" / "dashboards"

#: Queries that may stay empty on a stack that is well, by "dashboard / panel / letter", each with its reason. Under 5 % of all.
EXCEPTIONS: Mapping[str, str] = {}
ALLOWED = 0.05

#: What Grafana fills in: the instance variable at "All", and the smallest window over a scrape interval of 5 s that the tests wait for.
FILLED = {"$instance": ".*", "$__rate_interval": "1m"}

#: Seconds. Rules have a value after most of a minute, rates after two scrapes. MinIO counts its buckets last, if its scanner's node was killed
#: before: its lock expires after a minute, the next scanner sleeps up to one more, and then a cycle of a minute begins.
PATIENCE = 240


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One query, and where it stands."""

    where: str
    expr: str


def queries() -> Iterator[Asked]:
    for file in sorted(FOLDER.glob("*.json")):
        dashboard = json.loads(file.read_text())
        for panel in dashboard["panels"]:
            for target in panel.get("targets", []):
                yield Asked(
                    where=f"{dashboard['uid']} / {panel['title']} / {target['refId']}", expr=filled(target["expr"])
                )
        for variable in dashboard["templating"]["list"]:
            selector = variable["query"]["query"].removeprefix("label_values(").rsplit(",", 1)[0]
            yield Asked(where=f"{dashboard['uid']} / ${variable['name']}", expr=selector)


def filled(expr: str) -> str:
    for variable, value in FILLED.items():
        expr = expr.replace(variable, value)
    assert "$" not in expr, f"a variable that nobody fills in: {expr}"
    return expr


def answer(variables: Mapping[str, str], expr: str) -> list[Any] | str:
    """The series, or why the query was refused."""
    url = f"{variables['PROMETHEUS_URL']}/api/v1/query?{urllib.parse.urlencode({'query': expr})}"
    trust = ssl.create_default_context(cafile=variables["NEXUSDEV_CA_FILE"])
    try:
        with urllib.request.urlopen(url, timeout=10, context=trust) as reply:
            result: list[Any] = json.load(reply)["data"]["result"]
            return result
    except urllib.error.HTTPError as refused:
        return str(json.load(refused)["error"])


def test_every_query_of_every_panel_returns_data(variables: Mapping[str, str]) -> None:
    waiting = {each.where: each.expr for each in queries() if each.where not in EXCEPTIONS}
    output: dict[str, list[Any] | str] = {}
    deadline = time.monotonic() + PATIENCE
    while waiting and time.monotonic() < deadline:
        output = {where: answer(variables, expr) for where, expr in waiting.items()}
        waiting = {
            where: expr for where, expr in waiting.items() if not output[where] or isinstance(output[where], str)
        }
        if waiting:
            time.sleep(2)
    empty = {where: f"{expr}: {output.get(where) or 'no data'}" for where, expr in waiting.items()}
    assert empty == {}, "\n".join(empty.values())


def test_every_exception_names_a_query_and_a_reason() -> None:
    known = {each.where for each in queries()}
    assert EXCEPTIONS.keys() <= known
    assert all(EXCEPTIONS.values())
    assert len(EXCEPTIONS) < ALLOWED * len(known)


def test_an_exception_is_still_valid_promql(variables: Mapping[str, str]) -> None:
    refused = {each.where: answer(variables, each.expr) for each in queries() if each.where in EXCEPTIONS}
    assert {where: output for where, output in refused.items() if isinstance(output, str)} == {}
