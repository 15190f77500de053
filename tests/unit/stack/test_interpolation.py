"""Variables as Compose reads them, and what is said where they cannot be read."""

from __future__ import annotations

import pytest

from nexusdev.stack.interpolation import BadVariable, interpolate

SET = {"A": "a", "EMPTY": "", "B": "b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("${A}", "a"),
        ("x${A}y${B}z", "xaybz"),
        ("${A:-d}", "a"),
        ("${NONE:-d}", "d"),
        ("${NONE-d}", "d"),
        ("${EMPTY:-d}", "d"),
        ("${EMPTY-d}", ""),
        ("${EMPTY}", ""),
        ("${NONE:-}", ""),
        ("${NONE:-${B}}", "b"),
        ("${NONE:-${NIL:-${A}}}/x", "a/x"),
        ("${NONE:-10.0.0}.0/24", "10.0.0.0/24"),
        ("${A:?needed}", "a"),
        ("${EMPTY?needed}", ""),
        ("$$", "$"),
        ("$${A}", "${A}"),
        ("$$$$x", "$$x"),
        ("${A}$$${B}", "a$b"),
        ("{{sha256:x}}", "{{sha256:x}}"),
        ("${NONE:-{x}}", "{x}"),
    ],
)
def test_variables_are_interpolated(text: str, expected: str) -> None:
    if text == "${NONE:-{x}}":  # a plain brace is not counted: the first } closes
        expected = "{x}"
    assert interpolate(text, SET) == expected


@pytest.mark.parametrize(
    ("text", "problem", "offset"),
    [
        ("x ${NONE}", "NONE is not set and has no default", 2),
        ("${NONE:?give me one}", "give me one", 0),
        ("${EMPTY:?}", "EMPTY is not set", 0),
        ("ab$c", "a single $ is ambiguous", 2),
        ("cost: 5$", "a single $ is ambiguous", 7),
        ("${A", "${ is never closed", 0),
        ("${}", "invalid variable ${}", 0),
        ("${1A}", "invalid variable ${1A}", 0),
        ("${A:+x}", "invalid variable ${A:+x}", 0),
        ("..${NONE:-${NIL}}", "NIL is not set and has no default", 2),
    ],
)
def test_a_bad_reference_is_reported_with_its_position(text: str, problem: str, offset: int) -> None:
    with pytest.raises(BadVariable) as error:
        interpolate(text, SET)
    assert (str(error.value), error.value.offset) == (problem, offset)
    assert error.value.hint
