"""What Prometheus, Alertmanager and Grafana read: files in the volume that the hub shares with
them, written by the hub at its start, so that they always go with its metrics.

They are JSON, which is YAML too. Whoever wants to be told by mail or chat puts an
`alertmanager.yml` into the data volume's folder `monitoring`; it takes the place of the one that
tells nobody.
"""

import json
import secrets
from pathlib import Path
from typing import Any

from hub_config.first_start import Places, write_secret
from hub_config.monitoring import alerts, dashboards, panels
from hub_config.monitoring.pages import PLATFORM_PATH, PROXY_PATH

FOLDER = "/srv/metrics"
"""Where all of them have the volume."""

EVERY = "15s"

GROUP_MAY_READ = 0o640


def prometheus(base_url: str, port: int) -> dict[str, Any]:
    """Prometheus' configuration: three kinds of metrics of one hub, and its own."""

    def of_hub(job: str, path: str) -> dict[str, Any]:
        return {
            "job_name": job,
            "metrics_path": f"{base_url}hub{path}",
            "authorization": {"credentials_file": f"{FOLDER}/token"},
            "static_configs": [{"targets": [f"hub:{port}"]}],
        }

    return {
        "global": {"scrape_interval": EVERY, "evaluation_interval": EVERY},
        "rule_files": [f"{FOLDER}/alerts.yml"],
        "alerting": {
            "alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}],
        },
        "scrape_configs": [
            of_hub("hub", "/metrics"),
            of_hub("platform", PLATFORM_PATH),
            of_hub("proxy", PROXY_PATH),
            {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]},
        ],
    }


SILENT = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
"""Alertmanager's configuration until an operator says who wants to be told."""

SOURCES = {
    "apiVersion": 1,
    "datasources": [
        {
            "name": "Platform",
            "type": "prometheus",
            "uid": dashboards.DATASOURCE["uid"],
            "url": "http://prometheus:9090",
            "isDefault": True,
        }
    ],
}
"""Grafana's one data source."""

PROVIDERS = {
    "apiVersion": 1,
    "providers": [
        {"name": "platform", "type": "file", "options": {"path": f"{FOLDER}/grafana/dashboards"}}
    ],
}


def write(places: Places, base_url: str, port: int) -> None:
    """Write all of them."""
    folder = places.metrics
    _write(folder / "prometheus.yml", json.dumps(prometheus(base_url, port), indent=1))
    _write(folder / "alerts.yml", json.dumps(alerts.rules(), indent=1))
    own = places.data / "monitoring" / "alertmanager.yml"
    told = own.read_text("utf-8") if own.exists() else json.dumps(SILENT)
    _write(folder / "alertmanager.yml", told)
    grafana = folder / "grafana"
    for path in (grafana, grafana / "datasources", grafana / "dashboards"):
        path.mkdir(exist_ok=True)
        path.chmod(0o750)
    # The service that backs up is root without capabilities, in the hub's group.
    places.backup_status.parent.mkdir(exist_ok=True)
    places.backup_status.parent.chmod(0o770)
    _write(grafana / "datasources" / "platform.yml", json.dumps(SOURCES))
    _write(grafana / "dashboards" / "platform.yml", json.dumps(PROVIDERS))
    for one in panels.DASHBOARDS:
        told = json.dumps(dashboards.as_json(one), indent=1)
        _write(grafana / "dashboards" / f"{one.uid}.json", told)
    if not places.grafana_password.exists():
        write_secret(places.grafana_password, secrets.token_urlsafe(18), GROUP_MAY_READ)


def _write(path: Path, text: str) -> None:
    """Write what the hub's group may read, whatever the process's mask, complete from the moment it
    has its name.
    """
    unfinished = path.with_name(f".{path.name}.new")
    unfinished.write_text(text, "utf-8")
    unfinished.chmod(GROUP_MAY_READ)
    unfinished.replace(path)
