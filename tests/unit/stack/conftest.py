"""Compose files of a test, written into its folder and loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack

GOOD = """\
name: ${NEXUS_PROJECT:-nexusdev}
x-hardened: &hardened
  read_only: true
  cap_drop: [ALL]
networks:
  nexus: {ipam: {config: [{subnet: "10.213.0.0/24"}]}}
volumes:
  db-0:
configs:
  settings: {file: ./settings.conf}
secrets:
  password: {file: "${NEXUS_STATE:?no state}/secrets/password", x-nexusdev: {password: 32}}
services:
  db-0:
    <<: *hardened
    image: ${IMAGE:-db:1}
    environment: {NODE: db-0, COUNT: 3}
    networks: {nexus: {ipv4_address: 10.213.0.30, aliases: [db-primary]}}
    ports: ["127.0.0.1:21040:5432"]
    volumes: [db-0:/data]
    tmpfs: ["/tmp:size=8m,mode=1777"]
    configs: [{source: settings, target: /etc/settings.conf}]
    secrets: [password]
    mem_limit: 64m
    stop_grace_period: 1m30s
    x-nexusdev: {component: db}
  exporter-0:
    image: exporter:1
    network_mode: service:db-0
    x-nexusdev: {component: monitoring}
"""


class Files:
    """The folder of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("settings.conf", "colour = blue\n")

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def load(self, text: str = GOOD, **environment: str) -> Stack:
        return load(self.write("stack.yaml", text), {"NEXUS_STATE": str(self.folder / "state"), **environment})


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


Edit = Callable[[str], str]
