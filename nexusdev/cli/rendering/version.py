"""What ``version`` shows."""

from __future__ import annotations

from nexusdev.cli.output import Rendered, Table
from nexusdev.operations.version import VersionResult


def _version(result: VersionResult) -> Rendered:
    rows = {
        "nexusdev": result.nexusdev,
        "python": result.python,
        "system": result.system,
        "engine": result.engine,
    }
    table = Table(columns=("what", "version"), rows=(*rows.items(), *result.stack.items()))
    return Rendered(data={**rows, "stack": result.stack}, output=(table,))


RENDERERS = {VersionResult: _version}
