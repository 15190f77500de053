"""What the dashboards tell people to type is something that nexusdev understands."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from nexusdev.cli import commands  # noqa: F401 - registers the commands
from nexusdev.cli.app import app
from nexusdev.cli.global_options import move_global_options_first
from nexusdev.cli.usage import ParseError
from nexusdev.errors import UsageError
from scripts.dashboards.catalogue import DASHBOARDS

TOLD = sorted(
    {
        command
        for dashboard in DASHBOARDS
        for panel in dashboard.panels
        for command in re.findall(r"`nexusdev ([^`]+)`", panel.description)
    }
)


def refusal(words: str) -> str:
    """What the command line says against these words; nothing where it takes them. Parses, and runs nothing."""
    command: Any = typer.main.get_command(app)
    rest = move_global_options_first(shlex.split(words))
    try:
        while isinstance(command, TyperGroup):
            group = command.make_context("nexusdev", rest)
            _, command, rest = command.resolve_command(group, [*group._protected_args, *group.args])
        command.make_context("nexusdev", rest)
    except (ParseError, UsageError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("words", TOLD)
def test_every_command_in_a_description_exists(words: str) -> None:
    assert refusal(words) == ""


@pytest.mark.parametrize("words", ["reboot minio", "status postgres", "logs --backwards"])
def test_an_unknown_command_is_found(words: str) -> None:
    assert refusal(words)
