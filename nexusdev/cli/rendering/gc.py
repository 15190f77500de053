"""What ``gc`` and ``gc --dry-run`` show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from nexusdev.cli.output import Rendered, Table
from nexusdev.cli.rendering import Renderers
from nexusdev.operations.gc import GcResult, Leftover, LeftoversResult


def _leftovers(result: LeftoversResult) -> Rendered:
    return _shown("leftovers", result.leftovers, heading="would be removed")


def _gc(result: GcResult) -> Rendered:
    return _shown("removed", result.removed, heading="removed")


def _shown(key: str, leftovers: Sequence[Leftover], *, heading: str) -> Rendered:
    table = Table(columns=(heading, "reason"), rows=tuple(_rows(leftovers)))
    return Rendered(data={key: _data(leftovers)}, output=(table,) if leftovers else ("nothing to remove",))


def _rows(leftovers: Sequence[Leftover]) -> Iterator[tuple[str, str]]:
    for each in leftovers:
        yield str(each), each.reason
        yield from (("", line) for line in each.lines())


def _data(leftovers: Sequence[Leftover]) -> list[dict[str, Any]]:
    return [
        {
            "kind": each.kind,
            "name": each.name,
            "because": each.reason,
            "volumes": {name: each.sizes.get(name) for name in each.volumes},
            "used": each.used,
        }
        for each in leftovers
    ]


RENDERERS: Renderers = {LeftoversResult: _leftovers, GcResult: _gc}
