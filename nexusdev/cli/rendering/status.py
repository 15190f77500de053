"""What ``status`` shows: the servers, what is missing, what is lost, and which alerts fire."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec.structs import asdict

from nexusdev.cli.output import OutputBlock, Rendered, Style, Table, Text
from nexusdev.components.capabilities import Alert
from nexusdev.deploy.lost_volumes import sentence
from nexusdev.operations.status import StatusResult
from nexusdev.util.humanize import duration

_STYLES: Mapping[str, Style] = {"critical": "bad", "warning": "warn"}


def _status(result: StatusResult) -> Rendered:
    return Rendered(
        data={
            "ready": result.ready,
            "profile": result.profile,
            "components": [asdict(each) for each in result.components],
            "nodes": [asdict(each) for each in result.services],
            "lost_volumes": [each.as_dict() for each in result.lost_volumes],
            "alerts": [asdict(each) for each in result.alerts],
            "monitoring": result.monitoring,
        },
        output=(*_servers(result), *_losses(result), *_alerts(result)),
    )


def _servers(result: StatusResult) -> list[OutputBlock]:
    if not result.created:
        return [Text("not running: it has no containers", "warn"), "nexusdev up   start it"]
    rows = tuple(
        (row.service, row.role, Text(row.state, "good" if row.ok else "bad"), str(row.port or ""), row.detail)
        for row in result.services
    )
    table = Table(columns=("service", "role", "state", "port", "detail"), rows=rows)
    missing = [Text(f"{each.name} is not ready: {each.missing}", "bad") for each in result.components if not each.ready]
    ready = Text(f"ready: {', '.join(each.name for each in result.components)}", "good")
    return [table, *(missing or [ready])]


def _losses(result: StatusResult) -> list[OutputBlock]:
    """A line per group, and what to type."""
    lines = [f"lost volumes: {sentence(loss)}" for loss in result.losses]
    return [Text(line, "bad") for line in (*lines, *(["nexusdev up   show the options"] if lines else []))]


def _alerts(result: StatusResult) -> list[OutputBlock]:
    """The alerts by their component; nothing where none fires."""
    if not result.alerts:
        return []
    components = [each.name for each in result.components]
    alerts = sorted(result.alerts, key=lambda each: _place(each, components))
    heads = [
        ("" if before and before.component == alert.component else alert.component)
        for before, alert in zip((None, *alerts), alerts, strict=False)
    ]
    rows = tuple((head, _cell(alert, result.alerts_at)) for head, alert in zip(heads, alerts, strict=True))
    return ["", Table(columns=("component", "firing alerts"), rows=rows)]


def _place(alert: Alert, components: Sequence[str]) -> int:
    return components.index(alert.component) if alert.component in components else len(components)


def _cell(alert: Alert, now: float) -> Text:
    """``PostgresReplicaDown: critical, postgresql-1, for 40 s``, then what it means and where to read on."""
    circumstances = [
        alert.severity,
        alert.instance,
        f"for {duration(max(now - alert.since, 0.0))}" if alert.since else "",
    ]
    head = f"{alert.name}: {', '.join(each for each in circumstances if each)}"
    lines = [head, *(f"  {each}" for each in (alert.summary, alert.runbook) if each)]
    return Text("\n".join(lines), _STYLES.get(alert.severity, "plain"))


RENDERERS = {StatusResult: _status}
