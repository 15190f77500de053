"""How Grafana writes a dashboard down: the whole JSON of its own export, sorted, so that saving it there changes nothing here.

Every option of a panel is written out, also where it is the default: what is left out Grafana adds at the first save.
"""

from __future__ import annotations

import json
from typing import Any

from .grid import Place, lay_out
from .model import Bars, Dashboard, Graph, Panel, Row, Stat, Step, Table
from .options import KINDS, custom, options, overrides, transformations

#: The release whose export this is; `scripts/typecheck-dashboards` checks against the types published for it.
GRAFANA = "12.1.0"
SCHEMA_VERSION = 41

SOURCE = {"type": "prometheus", "uid": "prometheus"}
TAG = "nexusdev"

Json = dict[str, Any]


def text(dashboard: Dashboard) -> str:
    """The file's content."""
    return json.dumps(export(dashboard), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def export(dashboard: Dashboard) -> Json:
    return {
        "annotations": {"list": [_annotations()]},
        "description": dashboard.description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,  # one crosshair in all panels
        "id": None,
        "links": [_links()],
        "panels": [
            _row(number, each, place) if isinstance(each, Row) else _panel(number, each, place)
            for number, (each, place) in enumerate(lay_out(dashboard.rows), start=1)
        ],
        "preload": False,
        "refresh": "5s",
        "schemaVersion": SCHEMA_VERSION,
        "tags": [TAG, dashboard.uid],
        "templating": {"list": [_variable(dashboard.instances)]},
        "time": {"from": "now-15m", "to": "now"},
        "timepicker": {},
        "timezone": "browser",
        "title": dashboard.title,
        "uid": dashboard.uid,
        "version": 1,
        "weekStart": "",
    }


def _row(number: int, row: Row, place: Place) -> Json:
    return {
        "collapsed": False,
        "gridPos": _position(place),
        "id": number,
        "panels": [],
        "title": row.title,
        "type": "row",
    }


def _panel(number: int, panel: Panel, place: Place) -> Json:
    changed = transformations(panel)
    return {
        "datasource": SOURCE,
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": overrides(panel)},
        "gridPos": _position(place),
        "id": number,
        "options": options(panel),
        "pluginVersion": GRAFANA,
        "targets": [
            _target(chr(ord("A") + n), query.expr, query.legend, panel) for n, query in enumerate(panel.queries)
        ],
        "title": panel.title,
        **({"transformations": changed} if changed else {}),
        "type": KINDS[type(panel)],
    }


def _position(place: Place) -> Json:
    return {"h": place.height, "w": place.width, "x": place.x, "y": place.y}


def _defaults(panel: Panel) -> Json:
    limits = {"min": panel.minimum, "max": panel.maximum, "decimals": panel.decimals, "noValue": panel.nothing or None}
    return {
        "color": {"mode": "palette-classic" if isinstance(panel, Graph) else "thresholds"},
        "custom": custom(panel),
        "mappings": _mappings(panel),
        "thresholds": {"mode": "absolute", "steps": _steps(panel.base, panel.steps)},
        "unit": panel.unit,
        **{name: value for name, value in limits.items() if value is not None},
    }


def _steps(base: str, steps: tuple[Step, ...]) -> list[Json]:
    return [{"color": str(base), "value": None}, *({"color": str(each.colour), "value": each.value} for each in steps)]


def _mappings(panel: Panel) -> list[Json]:
    if not panel.meanings:
        return []
    results = {
        str(value): {"color": str(meaning.colour), "index": index, "text": meaning.text}
        for index, (value, meaning) in enumerate(panel.meanings.items())
    }
    return [{"options": results, "type": "value"}]


def _target(letter: str, expr: str, legend: str, panel: Panel) -> Json:
    now = isinstance(panel, Table | Bars) or (isinstance(panel, Stat) and not panel.trend)
    return {
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expr,
        "format": "table" if isinstance(panel, Table) else "time_series",
        "instant": now,
        "legendFormat": legend,
        "range": not now,
        "refId": letter,
    }


def _variable(selector: str) -> Json:
    definition = f"label_values(up{{{selector}}},instance)"
    return {
        "allValue": ".*",
        "allowCustomValue": False,
        "current": {"text": ["All"], "value": ["$__all"]},
        "datasource": SOURCE,
        "definition": definition,
        "includeAll": True,
        "label": "Instance",
        "multi": True,
        "name": "instance",
        "options": [],
        "query": {"qryType": 1, "query": definition, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "type": "query",
    }


def _links() -> Json:
    """One button per dashboard of ours; the time range goes along."""
    return {
        "asDropdown": False,
        "icon": "external link",
        "includeVars": False,
        "keepTime": True,
        "tags": [TAG],
        "targetBlank": False,
        "title": "Nexus",
        "tooltip": "",
        "type": "dashboards",
        "url": "",
    }


def _annotations() -> Json:
    """The one that Grafana puts into every dashboard."""
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }
