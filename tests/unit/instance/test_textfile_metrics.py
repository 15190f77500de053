"""What nexusdev tells Prometheus of itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nexusdev.instance import textfile_metrics
from nexusdev.stack.model import Network, Secret, SecretRecipe, Service, Stack

UP = textfile_metrics.up_metrics(seconds=31.25, at=1_700_000_000.0, ready={"postgres": 8.5, "redis": 7.0})


def unheard(_name: str, _data: bytes) -> None:
    """Nobody reads the file."""


def stack(folder: Path) -> Stack:
    recipes = {
        "made": SecretRecipe(password=32),
        "derived": SecretRecipe(text="{{made}}"),
        "signed": SecretRecipe(certificate="redis"),
        "not-yet": SecretRecipe(password=32),
    }
    secrets = {name: Secret(name=name, file=folder / name, recipe=recipe) for name, recipe in recipes.items()}
    (folder / "made").write_text("x")
    return Stack(project="p", network=Network(name="n", subnet="10.0.0.0/24"), services={}, secrets=secrets)


def test_an_up_records_its_duration_and_the_waits_of_components(tmp_path: Path) -> None:
    textfile_metrics.write(tmp_path, UP, unheard)
    assert (tmp_path / "metrics.prom").read_text().splitlines() == [
        "# HELP nexusdev_up_seconds Duration of the last up that made changes.",
        "# TYPE nexusdev_up_seconds gauge",
        "nexusdev_up_seconds 31.250",
        "# HELP nexusdev_up_last_timestamp_seconds Time when the last up finished.",
        "# TYPE nexusdev_up_last_timestamp_seconds gauge",
        "nexusdev_up_last_timestamp_seconds 1700000000.000",
        "# HELP nexusdev_up_ready_seconds Time until each component was ready.",
        "# TYPE nexusdev_up_ready_seconds gauge",
        'nexusdev_up_ready_seconds{component="postgres"} 8.500',
        'nexusdev_up_ready_seconds{component="redis"} 7.000',
    ]


def test_secrets_have_their_creation_time_and_derived_ones_none(tmp_path: Path) -> None:
    found = {family.name: family.samples for family in textfile_metrics.instance_metrics(tmp_path, stack(tmp_path))}
    assert list(found["nexusdev_secret_created_timestamp_seconds"]) == ["made"]
    assert found["nexusdev_services"] == {"": 0}


@pytest.mark.parametrize("content", ["", "[]", '{"redis": 1}', '{"redis": {"until": null}}', "{"])
def test_unknown_certificates_are_left_out(tmp_path: Path, content: str) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / ".issued.json").write_text(content)
    assert textfile_metrics.instance_metrics(tmp_path, stack(tmp_path))[0].samples == {}


def test_certificates_have_their_expiry(tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    (tmp_path / "tls" / ".issued.json").write_text(json.dumps({"redis": {"until": 1_800_000_000}}))
    assert textfile_metrics.instance_metrics(tmp_path, stack(tmp_path))[0].samples == {"redis": 1_800_000_000}


def test_the_file_keeps_its_inode_and_its_other_metrics(tmp_path: Path) -> None:
    textfile_metrics.create_file(tmp_path, unheard)
    before = (tmp_path / "metrics.prom").stat()
    textfile_metrics.write(tmp_path, UP, unheard)
    textfile_metrics.write(tmp_path, textfile_metrics.instance_metrics(tmp_path, stack(tmp_path)), unheard)
    textfile_metrics.create_file(tmp_path, unheard)
    written = (tmp_path / "metrics.prom").read_text()
    assert "nexusdev_up_seconds 31.250" in written
    assert "nexusdev_services 0.000" in written
    after = (tmp_path / "metrics.prom").stat()
    assert (after.st_ino, after.st_mode & 0o777) == (before.st_ino, 0o644)


def test_excluded_services_are_listed(tmp_path: Path) -> None:
    services = {
        name: Service(name=name, image="i", component=component, group=name)
        for name, component in (("redis-0", "redis"), ("vault-0", "vault"))
    }
    whole = Stack(project="p", network=Network(name="n", subnet="10.0.0.0/24"), services=services)
    textfile_metrics.write(tmp_path, [textfile_metrics.wanted_services(whole, {"redis-0"})], unheard)
    assert (tmp_path / "metrics.prom").read_text().splitlines()[2:] == [
        'nexusdev_service_wanted{service="redis-0",component="redis"} 1.000',
        'nexusdev_service_wanted{service="vault-0",component="vault"} 0.000',
    ]
