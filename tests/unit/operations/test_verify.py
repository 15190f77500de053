"""verify: what is measured, what a row that fails means for the others, and that a degraded stack gives no figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from nexusdev.components.scores import Control, ControlResult, Measured, Score, ScoreBench
from nexusdev.errors import Degraded, UsageError
from nexusdev.operations.lifecycle import stop
from nexusdev.operations.up import up
from nexusdev.operations.verify import VerifyResult, verify
from tests.fakes import FakeComponent, House, shown


@dataclass(kw_only=True)
class Measurable(FakeComponent):
    """A component with one figure and one control.

    Attributes:
        act: Measures the figure.
        passes: Whether the control passes.
    """

    act: Callable[[ScoreBench], Measured] = lambda bench: Measured(value=3.0, samples=bench.count(300))
    passes: bool = True

    def scores(self) -> Sequence[Score]:
        measure = self.act
        return [Score(name="speed", title="Speed", unit="ms", method="a test", target=4.0, measure=measure)]

    def controls(self) -> Sequence[Control]:
        found = ControlResult(passed=self.passes, evidence="a test")
        return [Control(name="locked", title="the door is locked", check=lambda _: found)]


@pytest.fixture
def house(house: House) -> House:
    house.redis = Measurable(name="redis")
    up(house.context())
    return house


def measured(house: House, **options: bool) -> VerifyResult:
    return verify(house.context(), ["speed", "locked"], **options)


def test_figures_and_controls_of_components_are_measured(house: House) -> None:
    result = measured(house)
    (row,), (control,) = result.rows, result.controls
    assert row.measured is not None
    assert (row.measured.value, row.measured.samples, row.met) == (3.0, 300, True)
    assert control.finding.passed
    assert result.error is None


def test_a_quick_run_takes_a_tenth_of_the_samples(house: House) -> None:
    row = measured(house, quick=True).rows[0]
    assert row.measured is not None
    assert row.measured.samples == 30


def test_a_missed_target_is_exit_code_4(house: House) -> None:
    house.redis = Measurable(name="redis", act=lambda _: Measured(value=5.0, samples=1))
    error = measured(house).error
    assert error is not None
    assert (error.code, error.exit_status) == ("TARGET_MISSED", 4)
    assert list(error.evidence) == ["speed: target missed"]


def test_a_failed_control_is_exit_code_4(house: House) -> None:
    house.redis = Measurable(name="redis", passes=False)
    error = measured(house).error
    assert error is not None
    assert list(error.evidence) == ["locked: a test"]


def test_a_figure_that_cannot_be_measured_is_unknown_and_the_others_are_measured(house: House) -> None:
    def broken(_bench: ScoreBench) -> Measured:
        raise ConnectionResetError("gone")

    house.redis = Measurable(name="redis", act=broken)
    result = measured(house)
    assert result.rows[0].measured is None
    assert result.rows[0].failure == "ConnectionResetError: gone"
    assert not result.rows[0].met
    assert result.controls[0].finding.passed


def test_a_degraded_stack_is_not_measured(house: House) -> None:
    stop(house.context())
    with pytest.raises(Degraded, match="figures of it would say nothing"):
        measured(house)


def test_an_unknown_row_names_the_nearest(house: House) -> None:
    with pytest.raises(UsageError, match="has no row sped") as caught:
        verify(house.context(), ["sped"])
    assert caught.value.hint == "nexusdev verify speed"


def test_what_this_instance_cannot_have_is_said(house: House) -> None:
    result = verify(house.context(), ["monitoring-coverage"])
    assert result.rows == ()
    assert result.left_out == {"monitoring-coverage": "monitoring does not run"}


def test_text_and_json_have_the_figure_with_its_target_and_the_evidence(house: House) -> None:
    rendered = shown(measured(house))
    (figure,), (control,) = rendered.data["figures"], rendered.data["controls"]
    assert (figure["name"], figure["value"], figure["target"], figure["met"]) == ("speed", 3.0, 4.0, True)
    assert (control["name"], control["passed"], control["evidence"]) == ("locked", True, "a test")
