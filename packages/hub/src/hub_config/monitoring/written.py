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

from hub_config import disk
from hub_config.first_start import GROUP_MAY_READ, Places, write_secret
from hub_config.monitoring import alerts, dashboards, panels
from hub_config.monitoring.pages import PLATFORM_PATH, PROXY_PATH

FOLDER = "/srv/metrics"
"""Where all of them have the volume."""

EVERY = "15s"


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
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]},
        "scrape_configs": [
            of_hub("hub", "/metrics"),
            of_hub("platform", PLATFORM_PATH),
            of_hub("proxy", PROXY_PATH),
            {"job_name": "prometheus", "static_configs": [{"targets": ["localhost:9090"]}]},
        ],
    }


SILENT = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
"""Alertmanager's configuration until an operator says who wants to be told."""

_SOURCE = {"name": "Platform", "url": "http://prometheus:9090", "isDefault": True}
SOURCES = {"apiVersion": 1, "datasources": [{**dashboards.DATASOURCE, **_SOURCE}]}
"""Grafana's one data source."""

PROVIDERS = {
    "apiVersion": 1,
    "providers": [
        {"name": "platform", "type": "file", "options": {"path": f"{FOLDER}/grafana/dashboards"}}
    ],
}


def write(places: Places, base_url: str, port: int) -> bool:
    """Write all of them; False, with what there was before, where the disk has no room."""
    own, grafana = places.data / "monitoring" / "alertmanager.yml", Path("grafana")
    made: dict[Path, Any] = {
        Path("prometheus.yml"): prometheus(base_url, port),
        Path("alerts.yml"): alerts.rules(),
        Path("alertmanager.yml"): own.read_bytes() if own.exists() else SILENT,
        grafana / "datasources" / "platform.yml": SOURCES,
        grafana / "dashboards" / "platform.yml": PROVIDERS,
    }
    for one in panels.DASHBOARDS:
        made[grafana / "dashboards" / f"{one.uid}.json"] = dashboards.as_json(one)
    try:
        # The service that backs up is root without capabilities, in the hub's group.
        folders = dict.fromkeys((grafana, *(path.parent for path in made)), 0o750)
        for folder, mode in (folders | {Path("backup"): 0o770}).items():
            (places.metrics / folder).mkdir(parents=True, exist_ok=True)
            (places.metrics / folder).chmod(mode)
        if not places.grafana_password.exists():
            write_secret(places.grafana_password, secrets.token_urlsafe(18), GROUP_MAY_READ)
    except OSError as error:
        if error.errno not in disk.NO_ROOM:
            raise
        return False
    wrote = [
        disk.write(
            places.metrics / path,
            told if isinstance(told, bytes) else json.dumps(told, indent=1).encode(),
            GROUP_MAY_READ,
        )
        for path, told in made.items()
    ]
    return all(wrote)
