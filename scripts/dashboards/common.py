"""Words, queries and rows that several dashboards share."""

from __future__ import annotations

from .model import Bars, Colour, Meaning, Panel, Query, Row, Step, Table, Timeline

#: The instances that the person chose; in panels about nodes, never in those about a whole cluster.
HERE = 'instance=~"$instance"'

#: Targets that run or are meant to. What an instance goes without, such as Grafana where its image cannot be had, is not missed.
MEANT = "(up and on (component, instance) (nexus:wanted == 1 or up == 1))"

UP = {0: Meaning(text="down", colour=Colour.RED), 1: Meaning(text="up", colour=Colour.GREEN)}
YES = {0: Meaning(text="no", colour=Colour.RED), 1: Meaning(text="yes", colour=Colour.GREEN)}

#: For numbers that must be nothing.
MUST_BE_0 = (Step(value=1, colour=Colour.RED),)
MUST_BE_1 = (Step(value=1, colour=Colour.GREEN),)


def or_0(expr: str) -> str:
    """A count of what is not there is 0, where Prometheus would answer nothing."""
    return f"{expr} or on() vector(0)"


def or_none(expr: str, label: str) -> str:
    """Where no series answers, one whose label says ``none``: a panel that stays empty looks broken."""
    return f'{expr} or on() label_replace(vector(0), "{label}", "none", "", "")'


def ratio(part: str, whole: str) -> str:
    """0 on an idle stack, where a plain quotient is NaN."""
    return f"{part} / clamp_min({whole}, 1e-9)"


def alerts_of(selector: str, *, width: int = 12) -> Timeline:
    fired = f'max by (alertname) (ALERTS{{alertstate="firing",{selector}}})'
    return Timeline(
        title="Alerts that fired",
        what="One band per alert, red while it fired. 'none' means that nothing fires now.",
        do="Read the alert's section in docs/runbooks.md. `nexusdev status` shows the same alerts by component.",
        unit="none",
        queries=(Query(expr=or_none(fired, "alertname"), legend="{{alertname}}"),),
        meanings={0: Meaning(text="quiet", colour=Colour.GREEN), 1: Meaning(text="firing", colour=Colour.RED)},
        steps=MUST_BE_0,
        width=width,
    )


def targets_of(selector: str, *, width: int = 12) -> Timeline:
    return Timeline(
        title="Targets that went down",
        what="One band per scraped service, red while Prometheus could not scrape it.",
        do="`nexusdev logs SERVICE` shows the last log lines of a red one. `nexusdev up` starts it.",
        unit="none",
        queries=(Query(expr=f"up{{{selector},{HERE}}}", legend="{{instance}} {{job}}"),),
        base=Colour.RED,
        steps=MUST_BE_1,
        meanings=UP,
        alerts=("TargetDown",),
        width=width,
    )


def started(expr: str, *, width: int = 8) -> Bars:
    return Bars(
        title="Running since",
        what="Time since each server started. A short bar among long ones is a restarted server.",
        do="Check `nexusdev logs SERVICE --since 15m` of the shortest. Expected after `nexusdev up`, `restart` and a failover drill.",
        unit="s",
        queries=(Query(expr=expr),),
        base=Colour.YELLOW,
        steps=(Step(value=300, colour=Colour.GREEN),),
        width=width,
    )


def failed_last(selector: str, *more: Panel) -> Row:
    """The last row of every dashboard: what fired, what went away, and what its product remembers of it."""
    return Row(title="What failed last", panels=(alerts_of(selector), targets_of(selector), *more))


def firing_now() -> Table:
    fired = 'max by (alertname, component, severity, instance) (ALERTS{alertstate="firing"})'
    return Table(
        title="Firing now",
        what="Every alert that fires now, with its component and instance.",
        do="Begin with critical alerts. Each name is a section of docs/runbooks.md.",
        unit="none",
        queries=(Query(expr=or_none(fired, "alertname"), legend=""),),
        columns={"alertname": "Alert", "component": "Component", "severity": "Severity", "instance": "Instance"},
        value="State",
        meanings={0: Meaning(text="all is quiet", colour=Colour.GREEN), 1: Meaning(text="firing", colour=Colour.RED)},
        steps=MUST_BE_0,
        width=12,
    )
