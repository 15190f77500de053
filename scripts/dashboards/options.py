"""How each kind of panel is drawn: Grafana's options, all written out."""

from __future__ import annotations

from typing import Any

from .model import Bars, Graph, Panel, Stat, Table, Timeline

Json = dict[str, Any]

#: Ours → Grafana's name of the panel.
KINDS: dict[type[Panel], str] = {
    Stat: "stat",
    Graph: "timeseries",
    Timeline: "state-timeline",
    Bars: "bargauge",
    Table: "table",
}

NOW = {"calcs": ["lastNotNull"], "fields": "", "values": False}
SHOWN = {"legend": False, "tooltip": False, "viz": False}
AXIS = {
    "axisBorderShow": False,
    "axisCenteredZero": False,
    "axisColorMode": "text",
    "axisLabel": "",
    "axisPlacement": "auto",
}


def options(panel: Panel) -> Json:
    """How the panel as a whole is drawn."""
    match panel:
        case Stat():
            return _stat(panel)
        case Graph():
            return _graph()
        case Timeline():
            return _timeline()
        case Bars():
            return _bars()
        case Table():
            return _table()
        case _:
            raise TypeError(f"no options for {type(panel).__name__}")


def custom(panel: Panel) -> Json:
    """How one series of the panel is drawn."""
    match panel:
        case Graph():
            return _lines(panel)
        case Timeline():
            return {"axisPlacement": "auto", "fillOpacity": 70, "hideFrom": SHOWN, "lineWidth": 0}
        case Table():
            return {"align": "auto", "cellOptions": {"type": "auto"}, "inspect": False}
        case _:
            return {}


def overrides(panel: Panel) -> list[Json]:
    """A table's number carries the colour; the labels beside it do not."""
    if not isinstance(panel, Table):
        return []
    colour = {"id": "custom.cellOptions", "value": {"type": "color-text"}}
    return [{"matcher": {"id": "byName", "options": panel.value}, "properties": [colour]}]


def transformations(panel: Panel) -> list[Json]:
    """A table keeps the labels that it names, in their order, and then the number."""
    if not isinstance(panel, Table):
        return []
    names = [*panel.columns, "Value"]
    keep = {"id": "filterFieldsByName", "options": {"include": {"names": names}}}
    order = {
        "excludeByName": {},
        "includeByName": {},
        "indexByName": {name: index for index, name in enumerate(names)},
        "renameByName": {**panel.columns, "Value": panel.value},
    }
    return [keep, {"id": "organize", "options": order}]


def _stat(panel: Stat) -> Json:
    return {
        "colorMode": "background",
        "graphMode": "area" if panel.trend else "none",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": NOW,
        "showPercentChange": False,
        "textMode": "name" if panel.named else "value",
        "wideLayout": True,
    }


def _graph() -> Json:
    return {
        "legend": {"calcs": ["lastNotNull", "max"], "displayMode": "table", "placement": "bottom", "showLegend": True},
        "tooltip": {"hideZeros": False, "mode": "multi", "sort": "desc"},
    }


def _timeline() -> Json:
    return {
        "alignValue": "left",
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "mergeValues": True,
        "rowHeight": 0.9,
        "showValue": "auto",
        "tooltip": {"hideZeros": False, "mode": "single", "sort": "none"},
    }


def _bars() -> Json:
    return {
        "displayMode": "basic",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": False},
        "maxVizHeight": 300,
        "minVizHeight": 16,
        "minVizWidth": 8,
        "namePlacement": "auto",
        "orientation": "horizontal",
        "reduceOptions": NOW,
        "showUnfilled": True,
        "sizing": "auto",
        "valueMode": "color",
    }


def _table() -> Json:
    return {
        "cellHeight": "sm",
        "footer": {"countRows": False, "reducer": ["sum"], "show": False},
        "frameIndex": 0,
        "showHeader": True,
    }


def _lines(panel: Graph) -> Json:
    return {
        **AXIS,
        "barAlignment": 0,
        "barWidthFactor": 0.6,
        "drawStyle": "line",
        "fillOpacity": 30 if panel.stacked else 8,
        "gradientMode": "none",
        "hideFrom": SHOWN,
        "insertNulls": False,
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "pointSize": 5,
        "scaleDistribution": {"type": "linear"},
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
        "thresholdsStyle": {"mode": "dashed" if panel.steps else "off"},
    }
