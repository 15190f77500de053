"""One MinIO in memory for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.components.minio.world import World, world


@pytest.fixture
def minio(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path) as made:
        yield made
