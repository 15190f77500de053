"""What ``ports`` shows."""

from __future__ import annotations

from msgspec.structs import asdict

from nexusdev.cli.output import Rendered, Table, Text
from nexusdev.operations.ports import PortRow, PortsResult


def _ports(result: PortsResult) -> Rendered:
    data = {"block": list(result.block), "subnet": result.subnet, "ports": [asdict(each) for each in result.ports]}
    table = Table(columns=("port", "reaches", "held by"), rows=tuple(map(_cells, result.ports)))
    return Rendered(data=data, output=(table,))


def _cells(row: PortRow) -> tuple[str | Text, ...]:
    styles = {"ours": Text("this instance", "good"), "free": Text("nobody", "dim")}
    return (
        f"127.0.0.1:{row.port}",
        f"{row.service}:{row.container_port}",
        styles.get(row.holder, Text(row.holder, "bad")),
    )


RENDERERS = {PortsResult: _ports}
