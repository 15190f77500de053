"""A query to Prometheus over TLS: what is asked, and what its objections become."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nexusdev.components.capabilities import QueryResult, Silent, TimeRange
from nexusdev.components.monitoring.client import Prometheus, pointed
from nexusdev.errors import Degraded, UsageError
from tests.unit.components.monitoring.test_alerts import access, free_port
from tests.unit.env.servers import authority, http, serving

PLACE = ("prometheus", 9090)
DATA = {"resultType": "scalar", "result": [1.0, "42"]}
GOOD = json.dumps({"status": "success", "data": DATA, "warnings": ["slow"], "infos": ["no counter"]})
SPAN = TimeRange(begin=100.0, end=1000.0, step=15.0)


def asked(
    folder: Path, body: str, ask: Callable[[Prometheus], Any], *, status: str = "200 OK"
) -> tuple[Any, list[str]]:
    """What comes of a question when the server answers so, and the lines that the server was sent."""
    tls, seen = authority(folder / "tls"), list[str]()
    with serving(tls, http(body, status, seen)) as port:
        return ask(Prometheus(access=access(tls, {PLACE: port}))), seen


def problem(kind: str, words: str) -> str:
    return json.dumps({"status": "error", "errorType": kind, "error": words})


def test_an_answer_has_the_data_and_warnings_of_prometheus(tmp_path: Path) -> None:
    answer, seen = asked(tmp_path, GOOD, lambda it: it.ask("sum(up) > 1"))
    assert answer == QueryResult(data=DATA, warnings=("slow", "no counter"))
    assert seen[0].startswith("GET /api/v1/query?query=sum%28up%29+%3E+1 ")


def test_a_range_query_has_start_end_and_step(tmp_path: Path) -> None:
    _, seen = asked(tmp_path, GOOD, lambda it: it.ask_over("up", SPAN))
    assert seen[0].startswith("GET /api/v1/query_range?query=up&start=100.000&end=1000.000&step=15 ")


def test_a_query_error_quotes_prometheus_with_its_position(tmp_path: Path) -> None:
    words = 'invalid parameter "query": 1:5: parse error: unexpected identifier "by"'
    with pytest.raises(UsageError) as raised:
        asked(tmp_path, problem("bad_data", words), lambda it: it.ask("sum by by (x)"), status="400 Bad Request")
    assert raised.value.why == '1:5: parse error: unexpected identifier "by"'
    assert raised.value.evidence == ("sum by by (x)", "    ^")
    assert (raised.value.exit_status, raised.value.code) == (2, "PROMQL")


def test_an_evaluation_error_is_a_usage_error(tmp_path: Path) -> None:
    words = "found duplicate series for the match group"
    with pytest.raises(UsageError, match="rejects this query") as raised:
        asked(tmp_path, problem("execution", words), lambda it: it.ask("a * b"), status="422 Unprocessable Entity")
    assert (raised.value.why, raised.value.evidence) == (words, ())


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (problem("timeout", "query timed out"), "503 Service Unavailable", "query timed out"),
        (
            "<html>no server is available</html>",
            "503 Service Unavailable",
            "it is starting, or no server is running",
        ),
        ("[]", "200 OK", "[]"),
        ("", "404 Not Found", "HTTP 404"),
    ],
)
def test_a_failing_prometheus_is_degraded(tmp_path: Path, body: str, status: str, words: str) -> None:
    with pytest.raises(Degraded) as raised:
        asked(tmp_path, body, lambda it: it.ask("up"), status=status)
    assert raised.value.why == words
    assert "nexusdev logs monitoring" in raised.value.hint


def test_an_unreachable_prometheus_is_left_to_the_caller(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    for ports in ({PLACE: free_port()}, {}):
        with pytest.raises(Silent):
            Prometheus(access=access(tls, ports)).ask("up")


def test_a_gateway_without_backends_is_reported(tmp_path: Path) -> None:
    tls = authority(tmp_path / "tls")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            server.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(Silent, match="no Prometheus is available"):
            Prometheus(access=access(tls, {PLACE: server.getsockname()[1]})).ask("up")


def test_metric_names_are_a_list_or_none(tmp_path: Path) -> None:
    names, _ = asked(tmp_path / "a", json.dumps({"data": ["up", "go_info"]}), lambda it: it.names())
    assert names == ("up", "go_info")
    assert asked(tmp_path / "b", "no", lambda it: it.names())[0] == ()


@pytest.mark.parametrize(
    ("query", "line", "column", "shown"),
    [
        ("up +", 1, 5, ("up +", "    ^")),
        ("up\n  + + by", 2, 7, ("  + + by", "      ^")),
        ("sum by (instance (up)", 1, 18, ("sum by (instance (up)", " " * 17 + "^")),
        ("x" * 30 + "!" + "y" * 30, 1, 31, ("…" + "x" * 16 + "!" + "y" * 9 + "…", " " * 17 + "^")),
        ("up", 7, 1, ()),
    ],
    ids=["the end", "the second line", "a short one", "the middle of a long one", "a line that is not there"],
)
def test_the_error_position_fits_forty_columns(query: str, line: int, column: int, shown: tuple[str, ...]) -> None:
    assert pointed(query, line=line, column=column) == shown
    assert all(len(each) <= 28 for each in shown)
