"""What ``env`` shows: the variables as they are, or that the file was written."""

from __future__ import annotations

from typing import Any

from nexusdev.cli.output import Rendered
from nexusdev.interfaces import View
from nexusdev.operations.env import EnvResult


def _env(result: EnvResult) -> Rendered:
    data: dict[str, Any] = {
        "view": result.view,
        "proven": result.proven,
        "components": result.components,
        "missing": result.missing,
        "variables": result.variables,
    }
    if result.view == View.CONTAINER:
        mount = {"source": result.container_files, "target": result.container_folder, "read_only": True}
        data |= {"network": result.network, "mounts": [mount]}
    if result.file:
        data["file"] = str(result.file)
    return Rendered(data=data, output=_lines(result))


def _lines(result: EnvResult) -> tuple[str, ...]:
    """Nothing where the variables themselves were printed."""
    if result.left:
        return (f"not changed: {result.left}",)
    return (f"{'wrote' if result.file_changed else 'unchanged:'} {result.file}",) if result.file else ()


RENDERERS = {EnvResult: _env}
