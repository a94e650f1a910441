"""Metrics of a platform that nobody watches: there for who has the token, and for nobody else."""

import requests

from jhub_testing.platforms import Platform

NAMES = {
    "metrics": ("jupyterhub_running_servers", "jhub_failed_logins_total"),
    "api/metrics/platform": ("jhub_promised_servers", "jhub_disk_free_bytes", "jhub_host_cpus"),
    "api/metrics/proxy": ("requests_web", "requests_ws"),
}
"""By path some that dashboards and alerts ask for; the hub's unit tests know the others."""


def test_metrics_are_told_to_who_has_the_token(platform: Platform) -> None:
    code, token = platform.container("hub").exec_run(["cat", "/srv/metrics/token"])
    assert code == 0
    headers = {"Authorization": f"Bearer {token.decode().strip()}"}
    for path, names in NAMES.items():
        url = f"{platform.url}/hub/{path}"
        assert requests.get(url, timeout=60).status_code in (403, 404)
        told = requests.get(url, headers=headers, timeout=60)
        assert told.status_code == 200, f"{path}: {told.status_code} {told.text[:300]}"
        assert all(f"\n{name}" in told.text for name in names), f"{path}: {told.text[:2000]}"
    users = requests.get(f"{platform.url}/hub/api/users", headers=headers, timeout=60)
    assert users.status_code in (403, 404), "the token opens more than metrics"
