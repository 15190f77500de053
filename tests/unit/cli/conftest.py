from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """A house whose command line finds its state, its project and 100 columns."""
    made = House(folder=tmp_path)
    (made.project / "nexusdev.toml").write_text("timeout = 20\n")
    monkeypatch.setenv("NEXUSDEV_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return made
