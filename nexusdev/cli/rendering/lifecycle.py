"""What ``stop``, ``start``, ``restart``, ``wait``, ``seed`` and ``reset`` show."""

from __future__ import annotations

from nexusdev.cli.output import OutputBlock, Rendered, Table, Text
from nexusdev.operations.lifecycle import StartResult, StopResult
from nexusdev.operations.reset import ResetResult
from nexusdev.operations.seed import SeedResult
from nexusdev.operations.wait import WaitResult
from nexusdev.util.humanize import duration, join_names, pluralize


def _stop(result: StopResult) -> Rendered:
    stopped = result.stopped
    words = f"stopped {pluralize(len(stopped), 'container')}" if stopped else "nothing to do: it is not running"
    return Rendered(
        data={"stopped": list(stopped)},
        output=(words, *([Text(result.notice, "dim")] if result.notice else [])),
    )


def _start(result: StartResult) -> Rendered:
    started, ready = pluralize(len(result.started), "container"), join_names(result.ready)
    words = (
        f"started {started}; {ready} ready after {duration(result.seconds)}"
        if result.changed
        else f"nothing to do: {ready} ready"
    )
    return Rendered(
        data={"started": list(result.started), "ready": list(result.ready), "seconds": result.seconds},
        output=(words,),
    )


def _wait(result: WaitResult) -> Rendered:
    return Rendered(
        data={"target": result.target, "condition": result.condition, "seconds": result.seconds},
        output=(f"{result.target} is {result.condition} (after {duration(result.seconds)})",),
    )


def _seed(result: SeedResult) -> Rendered:
    rows = tuple((name, change) for name, each in result.changes.items() for change in each)
    output: OutputBlock = (
        Table(columns=("component", "changed"), rows=rows) if rows else "nothing to do: everything is already seeded"
    )
    return Rendered(
        data={"changes": {name: list(each) for name, each in result.changes.items()}},
        output=(output,),
    )


def _reset(result: ResetResult) -> Rendered:
    rows = tuple((name, change) for name, each in result.changes.items() for change in each)
    return Rendered(
        data={"changes": {name: list(each) for name, each in result.changes.items()}, "seconds": result.seconds},
        output=(
            Table(columns=("component", "changed"), rows=rows),
            f"{join_names(result.changes)} at the seeded baseline after {duration(result.seconds)}",
        ),
    )


RENDERERS = {
    StopResult: _stop,
    StartResult: _start,
    WaitResult: _wait,
    SeedResult: _seed,
    ResetResult: _reset,
}
