"""The folders in which the pages of docs/frameworks are run, and what their tests ask the machine for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests import pages
from tests.integration.frameworks import workshop
from tests.integration.frameworks.test_pages import Case, reason_to_skip

PAGE = pages.Page(
    before={}, files={"app.js": "1"}, install="mkdir node_modules; echo >node_modules/client", commands=()
)
RUBY = pages.Page(before={}, files={"shop/Gemfile": 'gem "rails"\n'}, install="", commands=())


@pytest.mark.parametrize("anew", [True, False])
def test_a_recreated_installation_has_no_changes_of_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, anew: bool
) -> None:
    monkeypatch.setattr(workshop, "CACHE", tmp_path)
    for run in range(2):
        folder = workshop.folder_of("page", PAGE, os.environ, anew=anew)
        client = folder / "node_modules" / "client"
        assert client.read_text() == ("\n" if anew or run == 0 else "changed")
        client.write_text("changed")
        (folder / "generated").mkdir()
        (folder / "generated" / "client.js").touch()
    again = workshop.folder_of("page", PAGE, os.environ, anew=anew)
    assert not (again / "generated").exists()


@pytest.fixture
def bundler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the commands, whose Bundler finds the gems that its folder has."""
    for name in ("ruby", "rails", "bundle"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            '#!/bin/sh\nname=$(sed "s/gem .//; s/.$//" "$BUNDLE_GEMFILE")\n'
            f'test -e "{tmp_path}/$name" || {{ echo "missing: $name"; exit 1; }}\n'
        )
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    return tmp_path


def test_a_command_without_its_gem_is_a_reason_to_skip(bundler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = Case(name="rails", needs=("ruby", "rails", "bundle"))
    monkeypatch.setattr("tests.integration.frameworks.test_pages._resolves", lambda _host: False)
    said = "missing: rails, and rubygems.org is not reachable here"
    assert reason_to_skip(case, RUBY, bundler / "1") == said
    assert reason_to_skip(case, PAGE, bundler / "2") == ""
    (bundler / "rails").touch()
    assert reason_to_skip(case, RUBY, bundler / "3") == ""


def test_an_installable_gem_is_no_reason_to_skip(bundler: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integration.frameworks.test_pages._resolves", lambda _host: True)
    assert reason_to_skip(Case(name="rails"), RUBY, bundler / "1") == ""
