"""What the ``lease`` commands show."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from nexusdev.cli.output import Cell, Rendered, Table, Text
from nexusdev.operations.lease_results import (
    LeaseDropResult,
    LeaseEnvResult,
    LeaseInfo,
    LeaseResult,
    LeasesResult,
)
from nexusdev.util.humanize import duration, pluralize


def _created(result: LeaseResult) -> Rendered:
    lease = result.lease
    rows = tuple(lease.resources.items())
    head = f"lease {lease.name} expires in {duration(lease.expires_in)}"
    return Rendered(
        data={"lease": _data(lease), "prepared": result.prepared},
        output=(head, Table(columns=("component", "slice"), rows=rows), f"nexusdev lease env {lease.name}"),
    )


def _list(result: LeasesResult) -> Rendered:
    rows = tuple(_row(each) for each in result.leases)
    output: tuple[str | Table, ...] = (Table(columns=("lease", "expires in", "from", "slice"), rows=rows),)
    if not rows:
        output = ("no leases",)
    if result.prepared:
        output = (*output, f"{pluralize(result.prepared, 'lease')} made in advance")
    return Rendered(
        data={"leases": [_data(each) for each in result.leases], "prepared": result.prepared}, output=output
    )


def _env(result: LeaseEnvResult) -> Rendered:
    return Rendered(data={"lease": _data(result.lease), "variables": dict(result.variables)})


def _drop(result: LeaseDropResult) -> Rendered:
    lines = [f"dropped {name}" for name in result.dropped]
    lines += [f"dropped {name}, which had no record" for name in result.unrecorded]
    return Rendered(
        data={"dropped": list(result.dropped), "unrecorded": list(result.unrecorded)},
        output=tuple(lines) or (("nothing to drop",) if result.error is None else ()),
    )


def _row(lease: LeaseInfo) -> tuple[Cell, ...]:
    return (lease.name, _state(lease), lease.template, ", ".join(lease.resources.values()))


def _state(lease: LeaseInfo) -> Cell:
    if lease.used_by:
        return f"in use by {lease.used_by}"
    return duration(lease.expires_in) if lease.ready else Text("being made", "warn")


def _data(lease: LeaseInfo) -> dict[str, Any]:
    return {**asdict(lease), "resources": dict(lease.resources)}


RENDERERS = {LeaseResult: _created, LeasesResult: _list, LeaseEnvResult: _env, LeaseDropResult: _drop}
