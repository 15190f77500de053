"""What ``adopt`` shows."""

from __future__ import annotations

from nexusdev.cli.output import Rendered
from nexusdev.operations.adopt import AdoptResult
from nexusdev.util.humanize import pluralize


def _adopt(result: AdoptResult) -> Rendered:
    if not result.adopted:
        words = f"nothing to do: instance {result.instance} already belongs to this folder"
        return Rendered(data={"adopted": False}, output=(words,))
    parts = f"{pluralize(result.containers, 'container')} and {pluralize(result.volumes, 'volume')}"
    return Rendered(
        data={
            "adopted": True,
            "instance": result.instance,
            "from": result.former,
            "to": str(result.project),
            "containers": result.containers,
            "volumes": result.volumes,
        },
        output=(
            f"adopted: instance {result.instance} with {parts} now belongs to {result.project}",
            "nexusdev up   start it from here",
        ),
    )


RENDERERS = {AdoptResult: _adopt}
