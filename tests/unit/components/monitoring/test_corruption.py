"""The last words of a Prometheus: which of them mean that its data is corrupt, and what is said then."""

from __future__ import annotations

import pytest

from nexusdev.components.capabilities import ExplainsExit, Resettable
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.monitoring.corruption import explain
from tests.topology import stack

COMPONENT = ComponentSet()["monitoring"]


def words(what: str) -> list[str]:
    """As Prometheus 2.53 writes them."""
    return [
        'ts=2026-01-01T00:00:00.000Z caller=main.go:1100 level=warn msg="something before"',
        f'ts=2026-01-01T00:00:00.001Z caller=main.go:1279 level=error err="opening storage failed: {what}"',
    ]


@pytest.mark.parametrize(
    "what",
    [
        "read TOC: invalid size",
        "invalid magic number 6130bb03",
        "/data/prometheus/chunks_head/000001: invalid magic number 1c484bda",
        "open /data/prometheus/01M8HAC736MCQP4EHFB2F0CG44/chunks: no such file or directory",
        "remove tmp dirs: open /data/prometheus/wal: not a directory",
    ],
)
def test_unreadable_data_is_reported_as_corrupt(what: str) -> None:
    found = explain("prometheus-0", words(what))
    assert found is not None
    assert found.why == f"its data is corrupt: {what}"
    assert found.code == "DATA_CORRUPT"
    assert found.hint.splitlines()[0].startswith("nexusdev destroy prometheus-0   ")


@pytest.mark.parametrize(
    "what",
    [
        "open /data/prometheus/wal/00000004: no space left on device",
        "open /data/prometheus/queries.active: permission denied",
        "lock DB directory: resource temporarily unavailable",
        "read /data/prometheus/wal/00000001: input/output error",
    ],
)
def test_a_full_disk_or_a_lock_is_not_corruption(what: str) -> None:
    assert explain("prometheus-0", words(what)) is None


def test_other_exits_have_no_diagnosis() -> None:
    assert explain("prometheus-0", ['level=error err="error loading config"']) is None
    assert explain("prometheus-0", []) is None


def test_the_diagnosis_says_which_data_is_lost() -> None:
    assert isinstance(COMPONENT, ExplainsExit)
    assert isinstance(COMPONENT, Resettable)
    assert COMPONENT.explain("prometheus-0", words("invalid magic number 0")) is not None
    assert COMPONENT.data_loss(stack().services["prometheus-1"]) == "its history; the other Prometheus keeps its own"
    assert COMPONENT.data_loss(stack().services["node-exporter"]) == ""
