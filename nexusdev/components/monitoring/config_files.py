"""The config files of monitoring, and their checks before a start; promtool checks the expressions.

Every ``up`` asks which files there are; what reads them is imported when one of them changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from nexusdev.components.capabilities import ImageCheck
from nexusdev.errors import InvalidConfig
from nexusdev.stack.model import Service

RULES, DASHBOARDS = "/etc/prometheus/rules", "/etc/grafana/dashboards"


def rules(services: Iterable[Service]) -> Mapping[str, Path]:
    """Name in the container → rule file."""
    return _mounted(services, RULES, ".yml")


def dashboards(services: Iterable[Service]) -> Mapping[str, Path]:
    """Name in the container → dashboard."""
    return _mounted(services, DASHBOARDS, ".json")


def _mounted(services: Iterable[Service], folder: str, ending: str) -> Mapping[str, Path]:
    return {
        place.name: mount.source
        for service in services
        for mount in service.files
        if (place := PurePosixPath(mount.target)).is_relative_to(folder) and place.suffix == ending
    }


def check(services: Sequence[Service]) -> None:
    """Read every rule file and dashboard.

    Raises:
        InvalidConfig: A file is invalid; the error has file and line.
    """
    from nexusdev.components.monitoring import dashboard_files, rule_files

    for file in rules(services).values():
        rule_files.check(file)
    for file in dashboards(services).values():
        dashboard_files.check(file)


def image_checks(services: Sequence[Service]) -> Sequence[ImageCheck]:
    """Return the check of expressions and templates by promtool, in the image that will read the files."""
    found = rules(services)
    readers = [
        each for each in services if any(PurePosixPath(mount.target).is_relative_to(RULES) for mount in each.files)
    ]
    if not found:
        return ()

    def interpret_output(code: int, lines: Sequence[str]) -> InvalidConfig | None:
        from nexusdev.components.monitoring.promtool import interpret

        return interpret(code, lines, found)

    return (
        ImageCheck(
            image=readers[0].image, files=found, script="promtool check rules *.yml", interpret=interpret_output
        ),
    )
