"""Who starts before whom."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from nexusdev.stack.model import Service
from nexusdev.stack.order import closure, find_cycle, ordered


def services(**graph: str) -> dict[str, Service]:
    """``a="b c"``: a needs b and c; ``a="@b"``: a shares b's network."""
    made = {}
    for name, needs in graph.items():
        words = needs.split()
        made[name] = Service(
            name=name,
            image="x",
            component="c",
            group="g",
            shares=next((word[1:] for word in words if word.startswith("@")), ""),
            depends_on=tuple(word for word in words if not word.startswith("@")),
        )
    return made


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        ({}, []),
        ({"a": "", "b": ""}, ["a", "b"]),
        ({"a": "b", "b": ""}, ["b", "a"]),
        ({"a": "b", "b": "c", "c": "", "d": ""}, ["c", "b", "a", "d"]),
        ({"side": "@main", "main": ""}, ["main", "side"]),
        ({"a": "elsewhere"}, ["a"]),
    ],
)
def test_each_service_comes_after_its_dependencies(graph: dict[str, str], expected: list[str]) -> None:
    assert [service.name for service in ordered(services(**graph))] == expected


def test_a_sidecar_follows_its_owner_and_others_keep_file_order() -> None:
    stack = services(a="", b="", c="b", side="@a")
    assert [service.name for service in ordered(stack)] == ["a", "side", "b", "c"]


def test_observers_come_last_even_as_sidecars() -> None:
    stack = services(a="", watch="@a", look="", b="")
    stack.update({name: replace(stack[name], role="observer") for name in ("watch", "look")})
    assert [service.name for service in ordered(stack)] == ["a", "b", "watch", "look"]


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ({"a": ["b"], "b": []}, ()),
        ({"a": ["a"]}, ("a", "a")),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"]}, ("a", "b", "c", "a")),
        ({"a": ["b", "c"], "b": ["c"], "c": []}, ()),
    ],
)
def test_a_cycle_is_reported_as_a_path(graph: dict[str, list[str]], cycle: tuple[str, ...]) -> None:
    assert find_cycle(graph) == cycle


def test_a_service_includes_its_dependencies() -> None:
    assert closure(services(a="b", b="c", c="", d="", side="@d"), ["a"]) == {"a", "b", "c"}
    assert closure(services(d="", side="@d"), ["side", "nobody"]) == {"side", "d"}
