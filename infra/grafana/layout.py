"""Lays the panels out and makes Grafana's JSON of them.

Its schema: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra.grafana.panel import Panel
from infra.grafana.rows import ROWS

FILE: Final = Path(__file__).parent / "dashboards" / "arena.json"
SCHEMA_VERSION: Final = 41
"""Grafana 11.6's and 12's."""
WIDTH: Final = 24
HEIGHT: Final = 8
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=2) + "\n"


def dashboard() -> Json:
    return {
        "uid": "aiba-arena",
        "title": "AIBA Arena",
        "description": "Every region of the arena. What the figures mean: docs/metrics.md.",
        "tags": ["aiba-arena"],
        "timezone": "utc",
        "editable": True,
        "graphTooltip": 1,
        "time": {"from": "now-3h", "to": "now"},
        "fiscalYearStartMonth": 0,
        "refresh": "30s",
        "schemaVersion": SCHEMA_VERSION,
        "panels": list(_panels()),
        "templating": {"list": _variables()},
        "annotations": {"list": [_alerts()]},
    }


def _panels() -> Iterator[Json]:
    number, top = 1, 0
    for title, panels in ROWS:
        yield {
            "id": number,
            "type": "row",
            "title": title,
            "collapsed": False,
            "gridPos": {"h": 1, "w": WIDTH, "x": 0, "y": top},
            "panels": [],
        }
        number, top = number + 1, top + 1
        left = 0
        for panel in panels:
            if left + panel.width > WIDTH:
                left, top = 0, top + HEIGHT
            yield _panel(panel, number, {"h": HEIGHT, "w": panel.width, "x": left, "y": top})
            number, left = number + 1, left + panel.width
        top += HEIGHT


def _panel(panel: Panel, number: int, position: Json) -> Json:
    steps: list[Json] = [{"value": None, "color": "green"}]
    steps += [{"value": value, "color": color} for value, color in panel.thresholds]
    defaults: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.least is not None:
        defaults["min"] = panel.least
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "fillOpacity": 10,
            "showPoints": "never",
            "spanNulls": False,
            "thresholdsStyle": {"mode": "line" if panel.thresholds else "off"},
        }
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.meaning,
        "datasource": SOURCE,
        "gridPos": position,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": _OPTIONS[panel.kind],
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend,
                "editorMode": "code",
                "range": panel.kind == "timeseries",
                "instant": panel.kind != "timeseries",
            }
            for index, query in enumerate(panel.queries)
        ],
    }


_OPTIONS: Final[dict[str, Json]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "colorMode": "background",
        "graphMode": "none",
        "justifyMode": "auto",
        "textMode": "value_and_name",
        "wideLayout": True,
        "showPercentChange": False,
        "percentChangeColorMode": "standard",
        "orientation": "auto",
        "reduceOptions": {"values": False, "calcs": ["lastNotNull"], "fields": ""},
    },
}


def _variables() -> list[Json]:
    return [
        {
            "name": "datasource",
            "label": "Data source",
            "type": "datasource",
            "query": "prometheus",
            "hide": 0,
            "skipUrlSync": False,
            "multi": False,
            "includeAll": False,
            "allowCustomValue": False,
            "refresh": 1,
            "regex": "",
        },
        _labels("region", "Region", 'label_values(up{job="arena"}, region)'),
        _labels("instance", "Environment", 'label_values(aiba_active_connections{region=~"$region"}, instance)'),
    ]


def _labels(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": query,
        "hide": 0,
        "skipUrlSync": False,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "allowCustomValue": True,
        "current": {"text": "All", "value": "$__all"},
        "refresh": 2,
        "regex": "",
        "sort": 1,
    }


def _alerts() -> Json:
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "hide": False,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing", alertname=~"Arena.*", region=~"$region"}',
    }
