from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(folder=tmp_path)
