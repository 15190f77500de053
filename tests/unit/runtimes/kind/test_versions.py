"""Which versions of kind, kubectl, Kubernetes and control groups fit together."""

from __future__ import annotations

import pytest

from nexusdev.runtimes.kind.versions import ProgramVersion, cgroup_problem, kind_problem, kubectl_problem, parse


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("kind v0.30.0 go1.26.11 linux/amd64", ProgramVersion(0, 30, 0)),
        ("Client Version: v1.32.4-dispatcher\nKustomize Version: v5.5.0", ProgramVersion(1, 32, 4)),
        ("kindest/node:v1.34", ProgramVersion(1, 34)),
        ("command not found", None),
    ],
)
def test_the_first_version_is_read(text: str, version: ProgramVersion | None) -> None:
    assert parse(text) == version


@pytest.mark.parametrize(
    ("version", "fits"), [(ProgramVersion(0, 23, 9), False), (ProgramVersion(0, 24), True), (None, False)]
)
def test_an_old_kind_is_refused(version: ProgramVersion | None, fits: bool) -> None:
    assert (kind_problem(version) == "") is fits


@pytest.mark.parametrize(
    ("version", "fits"),
    [
        (ProgramVersion(1, 33), True),
        (ProgramVersion(1, 34, 9), True),
        (ProgramVersion(1, 35), True),
        (ProgramVersion(1, 32, 4), False),
        (ProgramVersion(1, 36), False),
        (None, False),
    ],
)
def test_kubectl_is_at_most_one_minor_version_away(version: ProgramVersion | None, fits: bool) -> None:
    assert (kubectl_problem(version, ProgramVersion(1, 34)) == "") is fits


@pytest.mark.parametrize(("cgroup", "minor", "fits"), [("1", 34, True), ("1", 35, False), ("2", 35, True)])
def test_cgroup_v1_needs_an_older_kubernetes(cgroup: str, minor: int, fits: bool) -> None:
    assert (cgroup_problem(cgroup, ProgramVersion(1, minor)) == "") is fits
