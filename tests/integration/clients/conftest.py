"""``CLIENTS_REPORT`` names the file to which a run writes what became of each client, file and page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.integration.clients.report import ClientsReport
from tests.integration.frameworks.workshop import DOCS


def pytest_configure(config: pytest.Config) -> None:
    if target := os.environ.get("CLIENTS_REPORT"):
        config.pluginmanager.register(ClientsReport(Path(target), {file.stem for file in DOCS.glob("*.md")}))
