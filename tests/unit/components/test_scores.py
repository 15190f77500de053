"""Figures, their targets, and what counts as a refusal."""

from __future__ import annotations

import pytest

from nexusdev.components import registry
from nexusdev.components.component_set import ComponentSet
from nexusdev.components.scores import HasScores, Measured, Score, in_milliseconds, percentile, refusals


def score(target: float | None, *, at_least: bool = False) -> Score:
    return Score(
        name="x", title="X", unit="s", method="m", target=target, at_least=at_least,
        measure=lambda _: Measured(value=1.0, samples=1),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "at_least", "value", "met"),
    [
        (4.0, False, 4.0, True),
        (4.0, False, 4.1, False),
        (80.0, True, 80.0, True),
        (80.0, True, 79.9, False),
        (None, False, 1e9, True),
    ],
)
def test_a_value_meets_a_target_that_it_reaches(target: float | None, at_least: bool, value: float, met: bool) -> None:
    assert score(target, at_least=at_least).met(value) is met


@pytest.mark.parametrize("target", [None, 4.0])
def test_what_could_not_be_measured_meets_no_target(target: float | None) -> None:
    assert not score(target).met(None)


def test_percentiles_are_samples() -> None:
    samples = [float(number) for number in range(1, 101)]
    assert (percentile(samples, 0.5), percentile(samples, 0.95), percentile(samples, 1.0)) == (50.0, 95.0, 100.0)
    assert percentile([7.0], 0.95) == 7.0
    assert in_milliseconds([0.001, 0.002]) == {"p50": "1.0 ms", "p95": "2.0 ms", "p99": "2.0 ms"}


def refuse() -> None:
    raise PermissionError


def test_a_control_passes_if_everything_is_refused() -> None:
    found = refusals({"reading": refuse, "writing": refuse}, (PermissionError,))
    assert (found.passed, found.evidence) == (True, "refused: reading, writing")


def test_a_control_fails_if_anything_is_allowed() -> None:
    found = refusals({"reading": refuse, "writing": lambda: None}, (PermissionError,))
    assert (found.passed, found.evidence) == (False, "allowed: writing")


def test_an_attempt_that_fails_otherwise_is_no_refusal() -> None:
    def broken() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        refusals({"reading": broken}, (PermissionError,))


def test_every_row_of_the_components_has_a_name_of_its_own() -> None:
    parts = {name: each for name, each in ComponentSet().items() if isinstance(each, HasScores)}
    names = [row.name for part in parts.values() for row in part.scores()]
    names += [row.name for part in parts.values() for row in part.controls()]
    assert len(set(names)) == len(names) > 10
    assert parts.keys() == registry.ROWS.keys() - {"gateway", "monitoring"}
