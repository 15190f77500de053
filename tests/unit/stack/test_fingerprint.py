"""What makes a container anew, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from nexusdev.stack.fingerprint import fingerprints
from nexusdev.stack.model import SecretRecipe, Stack
from tests.unit.stack.conftest import GOOD, Files


def changed(before: Stack, after: Stack) -> set[str]:
    old, new = fingerprints(before), fingerprints(after)
    return {name for name in new if old.get(name) != new[name]}


def with_recipe(stack: Stack, recipe: SecretRecipe) -> Stack:
    return replace(stack, secrets={"password": replace(stack.secrets["password"], recipe=recipe)})


def test_fingerprints_are_deterministic(files: Files) -> None:
    assert changed(files.load(), files.load()) == set()


@pytest.mark.parametrize(
    ("edit", "concerned"),
    [
        (lambda text: text.replace("COUNT: 3", "COUNT: 4"), {"db-0", "exporter-0"}),
        (lambda text: text.replace("IMAGE:-db:1", "IMAGE:-db:2"), {"db-0", "exporter-0"}),
        (lambda text: text.replace("exporter:1", "exporter:2"), {"exporter-0"}),
        (lambda text: text.replace("64m", "65m"), {"db-0", "exporter-0"}),
        (lambda text: text.replace("db-primary", "db-first"), {"db-0", "exporter-0"}),
        (lambda text: text.replace("{component: db}", "{component: db, optional: true}"), set()),
        (
            lambda text: text.replace(
                "{component: db}", '{component: db, connects: ["db:1"], alive: {tcp: {port: 1}}}'
            ),
            set(),
        ),
        (lambda text: f"# a comment\n{text}", set()),
    ],
)
def test_a_changed_value_affects_its_service_and_sidecars(
    files: Files, edit: Callable[[str], str], concerned: set[str]
) -> None:
    assert changed(files.load(), files.load(edit(GOOD))) == concerned


def test_a_new_hosts_entry_affects_every_service(files: Files) -> None:
    more = (
        "  late:\n    image: x\n    networks: {nexus: {ipv4_address: 10.213.0.77}}\n    x-nexusdev: {component: db}\n"
    )
    assert changed(files.load(), files.load(GOOD + more)) == {"db-0", "exporter-0", "late"}


def test_a_changed_config_file_changes_the_fingerprint(files: Files) -> None:
    stack = files.load()
    before = fingerprints(stack)
    files.write("settings.conf", "colour = red\n")
    assert fingerprints(stack) != before


def test_a_changed_live_config_keeps_the_fingerprint(files: Files) -> None:
    text = GOOD.replace("{file: ./settings.conf}", "{file: ./settings.conf, x-nexusdev: {live: true}}")
    stack = files.load(text)
    before = fingerprints(stack)
    files.write("settings.conf", "colour = red\n")
    assert fingerprints(stack) == before


@pytest.mark.parametrize(
    ("recipe", "counts"),
    [
        (SecretRecipe(password=32), True),
        (SecretRecipe(password=32, live=True), False),
        (SecretRecipe(runtime=True), False),
    ],
)
def test_a_changed_secret_changes_the_fingerprint_unless_it_is_live(
    files: Files, recipe: SecretRecipe, counts: bool
) -> None:
    stack = with_recipe(files.load(), recipe)
    absent = fingerprints(stack)
    files.write("state/secrets/password", "first")
    first = fingerprints(stack)
    files.write("state/secrets/password", "second")
    assert (fingerprints(stack) != first) is counts
    assert (first != absent) is counts


def test_the_folder_of_a_copied_config_keeps_the_fingerprint(files: Files, tmp_path: Path) -> None:
    stack = files.load()
    moved = tmp_path / "moved.conf"
    moved.write_bytes(stack.configs["settings"].read_bytes())
    elsewhere = {
        name: replace(
            service,
            files=tuple(
                replace(mount, source=moved) if mount.source == stack.configs["settings"] else mount
                for mount in service.files
            ),
        )
        for name, service in stack.services.items()
    }
    after = replace(
        stack, services=elsewhere, configs={**stack.configs, "settings": moved}, made_of=(*stack.made_of, moved)
    )
    assert fingerprints(after) == fingerprints(stack)
