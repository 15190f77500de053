"""Profiles in the outermost compose file: which components each brings up, and what is refused."""

from __future__ import annotations

import pytest

from nexusdev.errors import InvalidConfig
from nexusdev.stack.model import SingleProfile
from tests.unit.stack.conftest import GOOD, Files


def test_a_profile_excludes_or_selects_components(files: Files) -> None:
    stack = files.load(GOOD + "x-nexusdev: {profiles: {bare: {without: [monitoring]}, watch: {only: [monitoring]}}}\n")
    assert stack.profiles == {"bare": ("db",), "watch": ("monitoring",)}


def test_a_profile_with_single_servers_is_no_part_of_the_whole_stack(files: Files) -> None:
    stack = files.load(GOOD + "x-nexusdev: {profiles: {lite: {without: [monitoring], single: true}}}\n")
    assert (stack.profiles, stack.single) == ({}, {"lite": SingleProfile(components=("db",))})


def test_a_stack_without_profiles_has_none(files: Files) -> None:
    assert files.load().profiles == {}
    assert files.load(GOOD + "x-nexusdev: {profiles: {}}\n").profiles == {}


@pytest.mark.parametrize(
    ("profiles", "problem", "hint"),
    [
        ("{bare: {without: [monitorin]}}", "'monitorin' is not supported", "did you mean monitoring?"),
        ("{bare: {withot: [db]}}", "unknown key withot", "did you mean without?"),
        ("{full: {without: [db]}}", "invalid profile name full", ""),
        ("{Bare: {without: [db]}}", "invalid profile name Bare", ""),
        ("{bare: {}}", "must contain some components", ""),
        ("{bare: {without: [db, monitoring]}}", "must contain some components, but not all", ""),
        ("{bare: {without: db}}", "must be a list", ""),
        ("{bare: {without: [db], single: maybe}}", "true or false", ""),
        ("{bare: {without: [db], omit: [exporter]}}", "omit can only be used with single: true", ""),
        (
            "{bare: {without: [db], single: true, omit: [exporter-1]}}",
            "'exporter-1' is not supported",
            "did you mean exporter?",
        ),
    ],
)
def test_an_invalid_profile_is_refused_with_its_line(files: Files, profiles: str, problem: str, hint: str) -> None:
    with pytest.raises(InvalidConfig, match=problem) as raised:
        files.load(f"{GOOD}x-nexusdev:\n  profiles: {profiles}\n")
    assert f"stack.yaml:{GOOD.count(chr(10)) + 2}" in raised.value.message
    assert raised.value.hint == hint


def test_only_the_outermost_file_has_profiles(files: Files) -> None:
    files.write("inner.yaml", "x-nexusdev: {profiles: {}}\n")
    with pytest.raises(InvalidConfig, match=r"x-nexusdev is only allowed in the top-level file, stack\.yaml"):
        files.load(GOOD + "include: [inner.yaml]\n")
