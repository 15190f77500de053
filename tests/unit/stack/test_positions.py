"""Errors about a loaded stack name the line of the key, in whichever file it is."""

from __future__ import annotations

from nexusdev.stack.positions import position_of
from tests.unit.stack.conftest import GOOD, Files


def test_a_key_is_found_with_its_line(files: Files) -> None:
    position = position_of(files.load(), "services", "db-0", "mem_limit")
    assert str(position).endswith("stack.yaml:24: services.db-0.mem_limit")


def test_a_key_of_a_merged_mapping_has_the_line_of_its_definition(files: Files) -> None:
    assert position_of(files.load(), "services", "db-0", "cap_drop").line == 4


def test_a_missing_key_has_the_line_of_its_parent(files: Files) -> None:
    assert str(position_of(files.load(), "services", "db-0", "init")).endswith("stack.yaml:14: services.db-0")


def test_a_service_of_an_included_file_has_its_position_there(files: Files) -> None:
    files.write(
        "more.yaml",
        "services:\n  late:\n    image: x\n    networks: {nexus: {ipv4_address: 10.213.0.77}}\n"
        "    x-nexusdev: {component: db}\n",
    )
    stack = files.load(f"include: [more.yaml]\n{GOOD}")
    assert str(position_of(stack, "services", "late", "image")).endswith("more.yaml:3: services.late.image")
