"""A component with a folder of its own, with its real server in a container of the relay's image."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from nexusdev.__main__ import ended
from nexusdev.cli.console import Console
from nexusdev.cli.global_options import move_global_options_first, wants_json
from nexusdev.cli.session import Session
from tests.engine_needed import require_engine
from tests.fakes import Typed
from tests.toy.scenario import declared, live_through

pytestmark = pytest.mark.integration


def test_every_command_knows_a_newly_added_component(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_engine()
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "project").mkdir()

    def type_(*words: str) -> Typed:
        out, err = io.StringIO(), io.StringIO()
        argv = ["-i", "toy-test", "-C", str(tmp_path / "project"), *words]
        as_json = wants_json(move_global_options_first(argv))
        console = Console(out=out, err=err, as_json=as_json, color=False)
        status = ended(Session(console=console, doubles=declared()), argv)
        return Typed(status=status, out=out.getvalue(), err=err.getvalue())

    try:
        live_through(type_)
    finally:
        destroyed = type_("--yes", "destroy")
    assert destroyed.status == 0, destroyed.err
