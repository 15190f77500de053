"""A component imports no other one, and a library is only imported where it has its place."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Mapping

import grimp
import pytest

from nexusdev.components.registry import ROWS

PACKAGE = "nexusdev.components."
#: Libraries that are not of one product.
GENERAL = {"msgspec", "yaml"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("nexusdev", include_external_packages=True)


def owner_of(module: str) -> str:
    """The component that a module belongs to; for other modules, the module."""
    name, dot, _ = module.removeprefix(PACKAGE).partition(".")
    return name if module.startswith(PACKAGE) and dot else module


def importers(graph: grimp.ImportGraph, module: str) -> set[str]:
    return {owner_of(each) for each in graph.find_modules_that_directly_import(module)}


def clients(graph: grimp.ImportGraph) -> Mapping[str, set[str]]:
    """Each library that a component imports → the components and other modules that import it."""
    libraries = {each for each in graph.modules if each != "nexusdev" and not each.startswith("nexusdev.")}
    found = {each: importers(graph, each) for each in libraries - GENERAL - sys.stdlib_module_names if each[0] != "_"}
    return {library: by for library, by in found.items() if by & ROWS.keys()}


@pytest.mark.parametrize("component", ROWS)
def test_no_module_of_a_component_imports_another_component(graph: grimp.ImportGraph, component: str) -> None:
    imported = defaultdict(set)
    for module in graph.find_descendants(PACKAGE + component):
        for other in graph.find_modules_directly_imported_by(module):
            if owner_of(other) in ROWS.keys() - {component}:
                imported[module].add(other)
    assert not imported


def test_only_the_component_of_a_product_imports_its_client_library(graph: grimp.ImportGraph) -> None:
    found = clients(graph)
    assert {"psycopg", "redis", "minio", "hvac"} <= found.keys()
    # the fixtures of the pytest plugin give tests a client of each product; the shop of the demo is an application
    applications = ("nexusdev.testing.", "nexusdev.demo.shop")
    users = {library: {each for each in by if not each.startswith(applications)} for library, by in found.items()}
    shared = {library: by for library, by in users.items() if len(by) > 1}
    assert shared == {}, "a library of several components belongs to GENERAL; one of a product, in its folder"


def test_yaml_is_read_in_two_modules_and_written_in_one(graph: grimp.ImportGraph) -> None:
    assert graph.find_modules_that_directly_import("yaml") == {
        "nexusdev.stack.document",
        "nexusdev.components.vault.project_seed",
        "nexusdev.runtimes.kubernetes.render.text",
    }
