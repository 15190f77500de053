"""What ``up`` and ``up --dry-run`` show."""

from __future__ import annotations

from nexusdev.cli.output import OutputBlock, Rendered, Table, Text
from nexusdev.operations.dry_run import PlanResult
from nexusdev.operations.up import UpResult
from nexusdev.util.humanize import duration, join_names, pluralize


def _up(result: UpResult) -> Rendered:
    common = {
        "changed": result.changed,
        "ready": list(result.ready),
        "profile": result.profile,
        "seconds": result.seconds,
    }
    if not result.deployed:
        words = f"nothing to do: everything is ready ({join_names(result.ready)})"
        data = {**common, "proven": list(result.proven.get("", ())), "absent": dict(result.absent)}
        return Rendered(data=data, output=(Text(words, "good"),))
    changes = sum(len(each) for each in result.seeded.values())
    paths = sum(len(each) for each in result.proven.values())
    return Rendered(
        data={
            **common,
            "steps": list(result.steps),
            "seeded": {name: list(each) for name, each in result.seeded.items()},
            "proven": {name: list(each) for name, each in result.proven.items()},
            "absent": dict(result.absent),
            "env_file": str(result.env_file),
        },
        output=(
            Text(f"ready after {duration(result.seconds)}: {join_names(result.ready)}", "good"),
            f"seeded: {pluralize(changes, 'change') if changes else 'all was there'}; proven: {pluralize(paths, 'path')}",
            f"variables: {result.env_file}",
        ),
    )


def _plan(result: PlanResult) -> Rendered:
    rows = tuple((each.action, each.resource, each.reason) for each in result.steps)
    output: list[OutputBlock] = [Table(columns=("step", "what", "because"), rows=rows)] if rows else ["nothing to do"]
    if missing := result.missing_images:
        output.insert(0, f"{pluralize(len(missing), 'image')} would be pulled or built first: {join_names(missing)}")
    return Rendered(
        data={
            "steps": [{"act": act, "subject": subject, "because": reason} for act, subject, reason in rows],
            "missing_images": list(missing),
            "absent": dict(result.absent),
        },
        output=tuple(output),
    )


RENDERERS = {UpResult: _up, PlanResult: _plan}
