"""What dashboards show, declared once as titles and expressions. Pure.

Each expression is run against a Prometheus with data by `integration/operations`: one that finds
nothing there fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

STARTS = "jupyterhub_server_spawn_duration_seconds"
REQUESTS = "jupyterhub_request_duration_seconds"
PRICE = "jhub_month_cpu_hours * $cpu_hour + jhub_month_memory_gb_hours * $gb_hour"

SERVER = "{{user}} {{server}}"
"""What a line of each server is called."""


@dataclass(frozen=True)
class Panel:
    """`lines` are expressions by what their lines are called, with `{{label}}` for a label."""

    title: str
    lines: Mapping[str, str]
    unit: str = "none"
    kind: str = "timeseries"


@dataclass(frozen=True)
class Dashboard:
    """`prices` are variables that whoever looks can change."""

    uid: str
    title: str
    panels: tuple[Panel, ...]
    prices: Mapping[str, str] = field(default_factory=dict)


HUB = Dashboard(
    "jhub-hub",
    "Hub",
    (
        Panel("Answers", {"hub": 'up{job="hub"}', "proxy": 'up{job="proxy"}'}, kind="stat"),
        Panel(
            "Servers",
            {"promised": "jhub_promised_servers", "running": "jupyterhub_running_servers"},
        ),
        Panel(
            "Starts: seconds, half and 95 of 100",
            {
                f"{share} %": f"histogram_quantile(0.{share}, sum by (le) "
                f'(rate({STARTS}_bucket{{status="success"}}[1h])))'
                for share in (50, 95)
            },
            "s",
        ),
        Panel(
            "Starts: seconds of each stage",
            {
                "{{stage}}": "sum by (stage) (rate(jhub_spawn_stage_seconds_sum[1h])) / "
                "sum by (stage) (rate(jhub_spawn_stage_seconds_count[1h]) > 0)"
            },
            "s",
        ),
        Panel(
            "Starts an hour, by how they went",
            {"{{status}} {{reason}}": f"sum by (status, reason) (increase({STARTS}_count[1h]))"},
        ),
        Panel(
            "Starts that wait, and those under way",
            {
                "waiting": "jhub_spawns_waiting",
                "starting": "jhub_spawns_starting",
                "at a time": "jhub_spawns_at_a_time",
            },
        ),
        Panel(
            "Servers ended an hour, by whom",
            {"{{by}}": "sum by (by) (increase(jhub_servers_ended_total[1h]))"},
        ),
        Panel(
            "Event loop: milliseconds between two turns, 99 of 100",
            {
                "99 %": "histogram_quantile(0.99, sum by (le) "
                "(rate(jupyterhub_event_loop_interval_seconds_bucket[5m])))"
            },
            "s",
        ),
        Panel(
            "Requests a second, by answer",
            {"{{code}}": f"sum by (code) (rate({REQUESTS}_count[5m]))"},
            "reqps",
        ),
        Panel(
            "Requests through the proxy a second",
            {"pages": "sum(rate(requests_web[5m]))", "websockets": "sum(rate(requests_ws[5m]))"},
            "reqps",
        ),
        Panel(
            "Wrong passwords and codes in ten minutes",
            {"failed": "increase(jhub_failed_logins_total[10m])"},
        ),
        Panel(
            "The hub's memory and CPU",
            {
                "bytes": 'process_resident_memory_bytes{job="hub"}',
                "CPUs": 'rate(process_cpu_seconds_total{job="hub"}[5m])',
            },
        ),
    ),
)

PEOPLE = Dashboard(
    "jhub-people",
    "People",
    (
        Panel("CPUs in use", {SERVER: "topk(20, rate(jhub_server_cpu_seconds_total[5m]))"}),
        Panel("Memory in use", {SERVER: "topk(20, jhub_server_memory_bytes)"}, "bytes"),
        Panel(
            "Share of the profile's memory",
            {SERVER: "topk(20, jhub_server_memory_bytes / (jhub_server_memory_limit_bytes > 0))"},
            "percentunit",
        ),
        Panel("Processes and threads", {SERVER: "topk(20, jhub_server_processes)"}),
        Panel(
            "Servers that lost a program for want of memory",
            {
                SERVER: "jhub_server_out_of_memory",
                "in a day": "increase(jhub_out_of_memory_total[1d])",
            },
        ),
        Panel("Homes", {"{{user}}": "topk(50, jhub_home_bytes)"}, "bytes", "bargauge"),
        Panel(
            "People",
            {"with an account": "jupyterhub_total_users", "{{period}}": "jupyterhub_active_users"},
        ),
    ),
)

HOST = Dashboard(
    "jhub-host",
    "Host",
    (
        Panel(
            "CPU in use",
            {
                "busy": 'rate(jhub_host_cpu_seconds_total{mode="busy"}[5m]) / '
                "ignoring(mode) jhub_host_cpus"
            },
            "percentunit",
        ),
        Panel(
            "Memory",
            {
                "in all": "jhub_host_memory_bytes",
                "free": "jhub_host_memory_available_bytes",
                "promised": "jhub_promised_memory_bytes",
                "may be promised": "jhub_promisable_memory_bytes",
            },
            "bytes",
        ),
        Panel(
            "Disk with the data volume",
            {"in all": "jhub_disk_size_bytes", "free": "jhub_disk_free_bytes"},
            "bytes",
        ),
        Panel("Inodes free", {"free": "jhub_disk_inodes_free / jhub_disk_inodes"}, "percentunit"),
        Panel("CPUs guaranteed", {"guaranteed": "jhub_promised_cpus"}),
        Panel(
            "Since it succeeded",
            {"{{what}}": "time() - jhub_backup_succeeded_timestamp_seconds"},
            "s",
            "stat",
        ),
        Panel("The last try failed", {"{{what}}": "jhub_backup_failed"}, kind="stat"),
        Panel(
            "Until the certificate ends",
            {"left": "jhub_certificate_ends_timestamp_seconds - time()"},
            "s",
            "stat",
        ),
    ),
)

COST = Dashboard(
    "jhub-cost",
    "Cost per person and month",
    (
        Panel("Cost this month", {"{{user}}": f"topk(50, {PRICE})"}, kind="bargauge"),
        Panel("Cost of all, this month", {"all": f"sum({PRICE})"}, kind="stat"),
        Panel("Hours", {"{{user}}": "topk(50, jhub_month_hours)"}, kind="bargauge"),
        Panel("CPU hours", {"{{user}}": "topk(50, jhub_month_cpu_hours)"}, kind="bargauge"),
        Panel(
            "GB-hours of memory",
            {"{{user}}": "topk(50, jhub_month_memory_gb_hours)"},
            kind="bargauge",
        ),
    ),
    prices={"cpu_hour": "0.04", "gb_hour": "0.005"},
)

DASHBOARDS = (HUB, PEOPLE, HOST, COST)
