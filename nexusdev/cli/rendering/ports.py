"""What ``ports`` shows."""

from __future__ import annotations

from msgspec.structs import asdict

from nexusdev.cli.output import Rendered, Table, Text
from nexusdev.operations.ports import PortRow, PortsResult


def _ports(result: PortsResult) -> Rendered:
    data = {"block": list(result.block), "subnet": result.subnet, "ports": [_data(each) for each in result.ports]}
    table = Table(columns=("port", "reaches", "held by"), rows=tuple(map(_cells, result.ports)))
    return Rendered(data=data, output=(table,))


def _data(row: PortRow) -> dict[str, object]:
    """All but the address, which its readers know: JSON has the number."""
    return {name: value for name, value in asdict(row).items() if name != "address"}


def _cells(row: PortRow) -> tuple[str | Text, ...]:
    styles = {"ours": Text("this instance", "good"), "free": Text("nobody", "dim")}
    return (
        row.address,
        f"{row.service}:{row.container_port}",
        styles.get(row.holder, Text(row.holder, "bad")),
    )


RENDERERS = {PortsResult: _ports}
