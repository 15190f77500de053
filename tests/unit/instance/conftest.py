"""A small stack and an empty machine for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from nexusdev.instance.identity import Identity
from nexusdev.stack.model import FileMount, Network, Port, Secret, SecretRecipe, Service, Stack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def identity(tmp_path: Path) -> Identity:
    project = tmp_path / "shop"
    project.mkdir()
    return Identity(name="shop-1", project=project)


def secret(folder: Path, name: str, **recipe: object) -> Secret:
    return Secret(name=name, file=folder / "secrets" / name, recipe=SecretRecipe(**recipe))  # type: ignore[arg-type]


def certificate(folder: Path, group: str, suffix: str, **more: object) -> Secret:
    recipe = SecretRecipe(certificate=group, **more)  # type: ignore[arg-type]
    return Secret(name=f"{group}-{suffix}", file=folder / "tls" / f"{group}.{suffix}", recipe=recipe)


def mounts(*names: str) -> tuple[FileMount, ...]:
    return tuple(FileMount(kind="secret", name=name, source=Path(name), target=f"/run/{name}") for name in names)


@pytest.fixture
def stack(root: Path) -> Stack:
    folder = root / "instances" / "shop-1"
    secrets = [
        secret(folder, "db-password", password=32),
        secret(folder, "kms-key", key=32),
        secret(folder, "users", text='"app" "{{db-password}}" {{sha256:db-password}} {{base64:db-password}}\n'),
        secret(folder, "metrics-token", jwt={"key": "db-password", "iss": "prometheus"}, live=True),
        secret(folder, "unseal-key", runtime=True),
        certificate(folder, "db", "key", names=("db-primary",)),
        certificate(folder, "db", "crt", names=("db-primary",)),
        certificate(folder, "ca", "crt"),
    ]
    db = Service(
        name="db-0",
        image="db",
        component="db",
        group="db",
        aliases=("db-alias",),
        ports=(Port(host=21040, container=5432),),
        files=mounts("db-key", "db-crt"),
    )
    relay = Service(name="relay-0", image="db", component="db", group="relay", shares="db-0", files=mounts("ca-crt"))
    return Stack(
        project="nexusdev-shop-1",
        network=Network(name="nexus", subnet="10.213.0.0/24"),
        services={each.name: each for each in (db, relay)},
        secrets={each.name: each for each in secrets},
    )
