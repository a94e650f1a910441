"""Grafana's dashboards as it reads them, made of `panels`. Pure."""

from typing import Any

from hub_config.monitoring.panels import Dashboard, Panel

DATASOURCE = {"type": "prometheus", "uid": "platform"}

WIDTH, HEIGHT = 12, 8
"""Of a panel, in Grafana's grid of 24 columns."""


def as_json(dashboard: Dashboard) -> dict[str, Any]:
    """A dashboard as Grafana reads it (its JSON model, schema version 39)."""
    prices = [
        {"type": "textbox", "name": name, "query": it, "current": {"text": it, "value": it}}
        for name, it in dashboard.prices.items()
    ]
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["jhub"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": prices},
        "panels": [_panel(number, one) for number, one in enumerate(dashboard.panels)],
    }


def _panel(number: int, panel: Panel) -> dict[str, Any]:
    row, column = divmod(number, 24 // WIDTH)
    return {
        "id": number + 1,
        "title": panel.title,
        "type": panel.kind,
        "datasource": DATASOURCE,
        "gridPos": {"w": WIDTH, "h": HEIGHT, "x": column * WIDTH, "y": row * HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": expression,
                "legendFormat": name,
                "instant": panel.kind != "timeseries",
            }
            for index, (name, expression) in enumerate(panel.lines.items())
        ],
    }
