"""``make component`` makes a component that the loader, the registry and Prometheus know."""

from __future__ import annotations

import ast
import shutil
from pathlib import Path

import pytest
import yaml

from nexusdev.runtimes.kubernetes.render.folder import manifests
from nexusdev.runtimes.kubernetes.render.options import PROFILES, ProfileName, RenderOptions
from nexusdev.stack.loader import load
from nexusdev.stack.model import Stack
from scripts import new_component
from tests.kubernetes.lint import problems
from tests.kubernetes.objects import GENERATED, api_objects, of_kind
from tests.unit.components.test_file_names import REQUIRED

COPIED = ("compose", "nexusdev/components", "tests/toy", "tests/unit/components/toy")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in COPIED:
        shutil.copytree(new_component.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def stack_of(tree: Path) -> Stack:
    return load(tree / "compose" / "stack.yaml", {"NEXUS_STATE": "/nowhere"})


def test_a_new_component_is_in_the_stack_with_free_ports_and_addresses(tree: Path) -> None:
    changed = new_component.add("newproduct", tree)
    stack = stack_of(tree)
    assert [each.name for each in stack.services.values() if each.component == "newproduct"] == ["newproduct"]
    assert {"newproduct-token", "newproduct-tls-crt", "newproduct-tls-key"} <= stack.secrets.keys()
    assert all((tree / each).exists() for each in changed)


def test_it_has_the_files_of_a_component_and_its_row(tree: Path) -> None:
    new_component.add("newproduct", tree)
    folder = tree / "nexusdev" / "components"
    assert {file.stem for file in (folder / "newproduct").glob("*.py")} >= REQUIRED
    assert '    "newproduct": "",\n' in (folder / "registry.py").read_text()
    for file in [*(folder / "newproduct").glob("*.py"), *(tree / "tests/unit/components/newproduct").glob("*.py")]:
        ast.parse(file.read_text())
        assert "toy" not in file.read_text().lower()


def test_prometheus_scrapes_a_new_component(tree: Path) -> None:
    new_component.add("newproduct", tree)
    jobs = yaml.safe_load((tree / "compose" / "monitoring" / "prometheus.yml").read_text())["scrape_configs"]
    [job] = [each for each in jobs if each["job_name"] == "newproduct"]
    assert job["static_configs"] == [{"targets": ["newproduct:8443"], "labels": {"component": "newproduct"}}]
    stack = stack_of(tree)
    for server in ("prometheus-0", "prometheus-1"):
        assert ("newproduct", 8443) in [(each.target, each.port) for each in stack.services[server].connects]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_new_component_is_rendered_with_the_stack(tree: Path, profile: ProfileName) -> None:
    new_component.add("newproduct", tree)
    stack = stack_of(tree)
    configs = {name: file.read_text(encoding="utf-8") for name, file in stack.copied_configs().items()} | GENERATED
    files = manifests(stack, RenderOptions(profile=profile, configs=configs))
    assert "newproduct/newproduct.yaml" in files
    objects = api_objects(dict(files))
    assert "newproduct" in of_kind(objects, "Deployment")
    assert problems(objects) == []


def contents(tree: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in tree.rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("redis", "exists already"),
        ("contract", "exists already"),
        ("toy", "tests/unit/components/toy exists already"),
        ("etcd", "compose/etcd exists already"),
        ("sentinel", "the service sentinel-0 of the stack has the name 'sentinel'"),
        ("grafana", "the service grafana of the stack"),
        ("class", "keyword of Python"),
        ("Key DB", "lower-case"),
        ("", "lower-case"),
    ],
)
def test_a_taken_or_invalid_name_changes_nothing(tree: Path, name: str, why: str) -> None:
    before = contents(tree)
    with pytest.raises(ValueError, match=why):
        new_component.add(name, tree)
    assert contents(tree) == before


@pytest.mark.parametrize("file", new_component.INSERTED)
def test_a_file_without_the_place_for_a_component_changes_nothing(tree: Path, file: str) -> None:
    place, _ = new_component.INSERTED[file]
    (tree / file).write_text((tree / file).read_text().replace(place, place.replace(place.strip(), "# moved")))
    before = contents(tree)
    with pytest.raises(ValueError, match="no single place"):
        new_component.add("newproduct", tree)
    assert contents(tree) == before
