"""A small stack with a gateway, a group and a single server, written into the folder of a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nexusdev.runtimes.kubernetes.render.folder import manifests
from nexusdev.runtimes.kubernetes.render.options import ProfileName, RenderOptions
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack
from tests.kubernetes.objects import api_objects

GOOD = """\
name: shop
x-hardened: &hardened
  user: "10001:10001"
  restart: always
  mem_limit: 64m
networks:
  nexus: {ipam: {config: [{subnet: "10.213.0.0/24"}]}}
volumes: {db-0: {}, db-1: {}, keys: {}}
configs:
  settings: {file: ./settings.conf}
secrets:
  password: {file: "${NEXUS_STATE}/secrets/password", x-nexusdev: {password: 32}}
services:
  db-0: &db
    <<: *hardened
    image: db:1
    environment: &environment {NODE: db-0, SEEDS: "db-0,db-1"}
    networks: {nexus: {ipv4_address: 10.213.0.30}}
    ports: ["127.0.0.1:21040:5432"]
    volumes: ["db-0:/data"]
    configs: [{source: settings, target: /etc/db/settings.conf}]
    secrets: [password]
    x-nexusdev: {component: db, connects: ["db:5433"]}
  db-1:
    <<: *db
    environment: {<<: *environment, NODE: db-1}
    networks: {nexus: {ipv4_address: 10.213.0.31}}
    ports: ["127.0.0.1:21041:5432"]
    volumes: ["db-1:/data"]
  keys:
    <<: *hardened
    image: keys:1
    networks: {nexus: {ipv4_address: 10.213.0.40}}
    volumes: ["keys:/data"]
    x-nexusdev: {component: keys}
  gateway:
    <<: *hardened
    image: haproxy:3
    networks: {nexus: {ipv4_address: 10.213.0.10, aliases: [db-primary]}}
    ports: ["127.0.0.1:21032:5432"]
    x-nexusdev: {component: gateway, connects: ["db:5432"], serves: {db-primary: [5432]}}
"""


class StackFolder:
    """The folder of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "settings.conf").write_text("colour = blue\n")

    def stack(self, text: str = GOOD) -> Stack:
        file = self.folder / "stack.yaml"
        file.write_text(text)
        return load(file, {"NEXUS_STATE": str(self.folder / "state")})

    def render(self, text: str = GOOD, *, profile: ProfileName = "cluster", **options: Any) -> Mapping[str, Any]:
        """Object by kind and name."""
        files = self.files(text, profile=profile, **options)
        return {f"{each['kind']}/{each['metadata']['name']}": each for each in api_objects(files)}

    def files(self, text: str = GOOD, *, profile: ProfileName = "cluster", **options: Any) -> Mapping[str, Any]:
        configs = {"settings": (self.folder / "settings.conf").read_text()}
        return manifests(self.stack(text), RenderOptions(profile=profile, **{"configs": configs, **options}))


@pytest.fixture
def stack_folder(tmp_path: Path) -> StackFolder:
    return StackFolder(tmp_path)


def container(objects: Mapping[str, Any], name: str) -> Any:
    """The first container of a workload."""
    return objects[name]["spec"]["template"]["spec"]["containers"][0]
