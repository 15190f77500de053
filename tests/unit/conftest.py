"""What holds for all unit tests."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest

_NUMBERS = count()
_HOMES = ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all homes."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def own_home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a home of its own: none reads or writes the state and settings of who runs it.

    It is not made before something is written there.
    """
    home = homes / str(next(_NUMBERS))
    for name in (*_HOMES, *(each for each in os.environ if each.startswith("NEXUSDEV_"))):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home
