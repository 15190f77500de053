"""metrics: tables, lines and sentences from what Prometheus answers, and who is to blame when it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from nexusdev.cli.output import Plot, Series, Table, Text
from nexusdev.cli.rendering import rendered
from nexusdev.cli.rendering.metrics import in_order, shown
from nexusdev.components.capabilities import QueryResult, Silent, TimeRange
from nexusdev.errors import Degraded, NotFound, UsageError
from nexusdev.interfaces import InstanceAccess
from nexusdev.operations.metrics import MetricsResult, metrics, stretch
from nexusdev.operations.up import up
from tests.fakes import FakeComponent, House
from tests.unit.deploy.test_selection import FLAG, WATCHED


@dataclass(kw_only=True)
class FakePrometheus:
    """Answers every question with ``data``; silent where there is none."""

    data: Mapping[str, Any] | None = None
    known: tuple[str, ...] = ()
    asked: list[tuple[str, TimeRange | None]] = field(default_factory=list)

    def ask(self, query: str, *, span: TimeRange | None = None) -> QueryResult:
        self.asked.append((query, span))
        if self.data is None:
            raise Silent("Connection refused")
        return QueryResult(data=self.data, warnings=("a warning",))

    def ask_over(self, query: str, span: TimeRange) -> QueryResult:
        return self.ask(query, span=span)

    def names(self) -> tuple[str, ...]:
        return self.known


@dataclass(kw_only=True)
class Monitor(FakeComponent):
    """A component that stores metrics."""

    prometheus: FakePrometheus = field(default_factory=FakePrometheus)

    def metrics_client(self, access: InstanceAccess, *, timeout: float) -> FakePrometheus:
        del access, timeout
        return self.prometheus


@pytest.fixture
def house(tmp_path: Path) -> House:
    made = House(folder=tmp_path, more=(Monitor(name="monitoring"),))
    (tmp_path / "compose" / "stack.yaml").write_text(WATCHED)
    return made


def sample(value: str, **labels: str) -> Mapping[str, Any]:
    return {"metric": labels, "value": [1.0, value]}


def vector(*samples: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"resultType": "vector", "result": list(samples)}


def matrix(*series: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"resultType": "matrix", "result": list(series)}


NOTHING = vector()


def asked(house: House, data: Mapping[str, Any] | None, query: str = "up", **more: Any) -> MetricsResult:
    known = more.pop("known", ())
    answering(house, FakePrometheus(data=data, known=known))
    return metrics(house.context(), query, **more)


def answering(house: House, prometheus: FakePrometheus) -> FakePrometheus:
    """Let this Prometheus answer from now on."""
    [monitor] = house.more
    assert isinstance(monitor, Monitor)
    monitor.prometheus = prometheus
    return prometheus


def test_an_instant_query_is_a_table_with_label_columns(house: House) -> None:
    up(house.context())
    data = vector(sample("1", __name__="up", job="redis", instance="redis-0"), sample("0", __name__="up", job="etcd"))
    outcome = asked(house, data)
    assert outcome.data == data
    assert outcome.warnings == ("a warning",)
    assert rendered(outcome).output == (
        Text("up", "dim"),
        Table(columns=("job", "instance", "value"), rows=(("etcd", "", "0"), ("redis", "redis-0", "1"))),
    )


def test_series_are_sorted_by_labels_unless_the_query_sorts() -> None:
    data = vector(sample("1", b="2"), sample("2", b="1"))
    assert [each["metric"]["b"] for each in in_order(data, "up")["result"]] == ["1", "2"]
    for query in ("sort_desc(up)", "topk(2, up)", "sort(up)"):
        assert in_order(data, query) == data


def test_common_labels_are_shown_once() -> None:
    [common, table] = shown(vector(sample("1", a="x", b="1"), sample("2", a="x", b="2")), None)
    assert common == Text('{a="x"}', "dim")
    assert table == Table(columns=("b", "value"), rows=(("1", "1"), ("2", "2")))


def test_a_single_series_keeps_its_labels() -> None:
    assert shown(vector(sample("0.25", __name__="up", a="x")), None) == [
        Table(columns=("metric", "a", "value"), rows=(("up", "x", "0.25"),))
    ]
    assert shown(vector(sample("7")), None) == [Table(columns=("value",), rows=(("7",),))]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"resultType": "scalar", "result": [1.0, "0.30000000000000004"]}, "0.3"),
        ({"resultType": "scalar", "result": [1.0, "536870912"]}, "536870912"),
        ({"resultType": "scalar", "result": [1.0, "+Inf"]}, "+Inf"),
        ({"resultType": "scalar", "result": [1.0, "NaN"]}, "NaN"),
        ({"resultType": "string", "result": [1.0, "hello"]}, "hello"),
    ],
)
def test_scalars_and_strings_are_printed_unchanged(data: Mapping[str, Any], said: str) -> None:
    assert shown(data, None) == [said]


def test_a_native_histogram_shows_count_and_sum() -> None:
    histogram = {"metric": {}, "histogram": [1.0, {"count": "12", "sum": "3.5", "buckets": []}]}
    assert shown(vector(histogram), None) == [Table(columns=("value",), rows=(("12 observed, sum 3.5",),))]


def test_a_range_query_is_plotted_over_the_whole_range(house: House) -> None:
    up(house.context())
    series = {"metric": {"instance": "redis-0"}, "values": [[1.0, "1"], [6.0, "NaN"]]}
    fake = answering(house, FakePrometheus(data=matrix(series)))
    outcome = metrics(house.context(), "up", over="15m", step="15s")
    [plot] = rendered(outcome).output
    [(_, span)] = fake.asked
    assert isinstance(plot, Plot)
    assert span is not None
    assert (span.end - span.begin, span.step) == (900, 15)
    assert (plot.columns, plot.begin, plot.end, plot.step) == (("instance",), span.begin, span.end, 15)
    assert plot.lines[0].points[0] == (1.0, 1.0)


def test_a_range_selector_is_plotted_over_its_own_range() -> None:
    [plot] = shown(matrix({"metric": {}, "values": [[10.0, "1"], [15.0, "2"], [20.0, "3"]]}), None)
    assert plot == Plot(
        columns=(),
        lines=(Series(labels=(), points=((10.0, 1.0), (15.0, 2.0), (20.0, 3.0))),),
        begin=10.0,
        end=20.0,
        step=5.0,
    )


def test_an_empty_result_is_reported_without_an_error(house: House) -> None:
    up(house.context())
    outcome = asked(house, NOTHING, "up == 7")
    assert outcome.error is None
    assert [str(each) for each in rendered(outcome).output] == ["no data: no series matches up == 7 now"]
    [said, *_] = rendered(asked(house, matrix(), "up", over="1h", known=("up",))).output
    assert str(said) == "no data: no series matches up in the last 1h"


def test_an_unknown_metric_suggests_the_nearest(house: House) -> None:
    up(house.context())
    found = asked(house, NOTHING, 'redis_uo{job="redis"}', known=("redis_up", "pg_up"))
    assert (found.unknown_metric, found.similar) == ("redis_uo", ("redis_up",))
    assert rendered(found).output[1] == "unknown metric redis_uo; did you mean redis_up?"
    assert rendered(asked(house, NOTHING, "xyz", known=("redis_up",))).output[1] == "unknown metric xyz"
    assert len(rendered(asked(house, NOTHING, "pg_up", known=("pg_up",))).output) == 1


def test_metrics_without_monitoring_raise_not_found(house: House) -> None:
    up(house.context(**FLAG))
    with pytest.raises(NotFound, match="not part of this stack") as raised:
        asked(house, None)
    assert raised.value.hint.startswith("nexusdev up monitoring")
    assert raised.value.exit_status == 3


def test_stopped_or_unreachable_monitoring_is_degraded(house: House) -> None:
    up(house.context())
    with pytest.raises(Degraded, match="does not answer") as deaf:
        asked(house, None)
    assert deaf.value.why == "Connection refused"
    house.engine.end(house.container("prometheus"))
    with pytest.raises(Degraded, match="is not running") as stopped:
        asked(house, None)
    assert (stopped.value.hint, stopped.value.exit_status) == ("nexusdev start monitoring", 4)


@pytest.mark.parametrize(
    ("over", "step", "length", "width"),
    [
        ("15m", None, 900, 5),
        ("1h30m", None, 5400, 23),
        ("90", "1.5s", 90, 1.5),
        ("2d", "1h", 172800, 3600),
    ],
)
def test_the_default_step_fits_the_screen(over: str, step: str | None, length: float, width: float) -> None:
    assert stretch(over, step, now=lambda: 200_000.0) == TimeRange(begin=200_000.0 - length, end=200_000.0, step=width)


@pytest.mark.parametrize(("over", "step"), [("15x", None), ("", None), ("0s", None), ("15m", "soon"), (None, "5s")])
def test_invalid_times_are_refused(over: str | None, step: str | None) -> None:
    with pytest.raises(UsageError, match=r"--(range|step)"):
        stretch(over, step, now=lambda: 0.0)
