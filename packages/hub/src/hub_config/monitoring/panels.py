"""What dashboards show, declared once as titles and expressions. Pure.

Each expression is run against a Prometheus with data by `integration/operations`: one that finds
nothing there fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

STARTS = "jupyterhub_server_spawn_duration_seconds"
REQUESTS = "jupyterhub_request_duration_seconds"


@dataclass(frozen=True)
class Panel:
    """`lines` are expressions by what their lines are called, with `{{label}}` for a label."""

    title: str
    unit: str
    lines: Mapping[str, str]
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
        Panel("Answers", "none", {"hub": 'up{job="hub"}', "proxy": 'up{job="proxy"}'}, "stat"),
        Panel(
            "Servers",
            "none",
            {"promised": "jhub_promised_servers", "running": "jupyterhub_running_servers"},
        ),
        Panel(
            "Starts: seconds, half and 95 of 100",
            "s",
            {
                f"{share} %": f"histogram_quantile(0.{share}, sum by (le) "
                f'(rate({STARTS}_bucket{{status="success"}}[1h])))'
                for share in (50, 95)
            },
        ),
        Panel(
            "Starts: seconds of each stage",
            "s",
            {
                "{{stage}}": "sum by (stage) (rate(jhub_spawn_stage_seconds_sum[1h])) / "
                "sum by (stage) (rate(jhub_spawn_stage_seconds_count[1h]) > 0)"
            },
        ),
        Panel(
            "Starts an hour, by how they went",
            "none",
            {"{{status}} {{reason}}": f"sum by (status, reason) (increase({STARTS}_count[1h]))"},
        ),
        Panel(
            "Starts that wait, and those under way",
            "none",
            {
                "waiting": "jhub_spawns_waiting",
                "starting": "jhub_spawns_starting",
                "at a time": "jhub_spawns_at_a_time",
            },
        ),
        Panel(
            "Servers ended an hour, by whom",
            "none",
            {"{{by}}": "sum by (by) (increase(jhub_servers_ended_total[1h]))"},
        ),
        Panel(
            "Event loop: milliseconds between two turns, 99 of 100",
            "s",
            {
                "99 %": "histogram_quantile(0.99, sum by (le) "
                "(rate(jupyterhub_event_loop_interval_seconds_bucket[5m])))"
            },
        ),
        Panel(
            "Requests a second, by answer",
            "reqps",
            {"{{code}}": f"sum by (code) (rate({REQUESTS}_count[5m]))"},
        ),
        Panel(
            "Requests through the proxy a second",
            "reqps",
            {"pages": "sum(rate(requests_web[5m]))", "websockets": "sum(rate(requests_ws[5m]))"},
        ),
        Panel(
            "Wrong passwords and codes in ten minutes",
            "none",
            {"failed": "increase(jhub_failed_logins_total[10m])"},
        ),
        Panel(
            "The hub's memory and CPU",
            "none",
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
        Panel(
            "CPUs in use",
            "none",
            {"{{user}} {{server}}": "topk(20, rate(jhub_server_cpu_seconds_total[5m]))"},
        ),
        Panel(
            "Memory in use", "bytes", {"{{user}} {{server}}": "topk(20, jhub_server_memory_bytes)"}
        ),
        Panel(
            "Share of the profile's memory",
            "percentunit",
            {
                "{{user}} {{server}}": "topk(20, jhub_server_memory_bytes / "
                "(jhub_server_memory_limit_bytes > 0))"
            },
        ),
        Panel(
            "Processes and threads",
            "none",
            {"{{user}} {{server}}": "topk(20, jhub_server_processes)"},
        ),
        Panel(
            "Servers that lost a program for want of memory",
            "none",
            {
                "{{user}} {{server}}": "jhub_server_out_of_memory",
                "in a day": "increase(jhub_out_of_memory_total[1d])",
            },
        ),
        Panel("Homes", "bytes", {"{{user}}": "topk(50, jhub_home_bytes)"}, "bargauge"),
        Panel(
            "People",
            "none",
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
            "percentunit",
            {
                "busy": 'rate(jhub_host_cpu_seconds_total{mode="busy"}[5m]) / '
                "ignoring(mode) jhub_host_cpus"
            },
        ),
        Panel(
            "Memory",
            "bytes",
            {
                "in all": "jhub_host_memory_bytes",
                "free": "jhub_host_memory_available_bytes",
                "promised": "jhub_promised_memory_bytes",
                "may be promised": "jhub_promisable_memory_bytes",
            },
        ),
        Panel(
            "Disk with the data volume",
            "bytes",
            {"in all": "jhub_disk_size_bytes", "free": "jhub_disk_free_bytes"},
        ),
        Panel("Inodes free", "percentunit", {"free": "jhub_disk_inodes_free / jhub_disk_inodes"}),
        Panel("CPUs guaranteed", "none", {"guaranteed": "jhub_promised_cpus"}),
        Panel(
            "Since it succeeded",
            "s",
            {"{{what}}": "time() - jhub_backup_succeeded_timestamp_seconds"},
            "stat",
        ),
        Panel("The last try failed", "none", {"{{what}}": "jhub_backup_failed"}, "stat"),
        Panel(
            "Until the certificate ends",
            "s",
            {"left": "jhub_certificate_ends_timestamp_seconds - time()"},
            "stat",
        ),
    ),
)

COST = Dashboard(
    "jhub-cost",
    "Cost per person and month",
    (
        Panel(
            "Cost this month",
            "none",
            {
                "{{user}}": "topk(50, jhub_month_cpu_hours * $cpu_hour + "
                "jhub_month_memory_gb_hours * $gb_hour)"
            },
            "bargauge",
        ),
        Panel(
            "Cost of all, this month",
            "none",
            {
                "all": "sum(jhub_month_cpu_hours * $cpu_hour + "
                "jhub_month_memory_gb_hours * $gb_hour)"
            },
            "stat",
        ),
        Panel("Hours", "none", {"{{user}}": "topk(50, jhub_month_hours)"}, "bargauge"),
        Panel("CPU hours", "none", {"{{user}}": "topk(50, jhub_month_cpu_hours)"}, "bargauge"),
        Panel(
            "GB-hours of memory",
            "none",
            {"{{user}}": "topk(50, jhub_month_memory_gb_hours)"},
            "bargauge",
        ),
    ),
    prices={"cpu_hour": "0.04", "gb_hour": "0.005"},
)

DASHBOARDS = (HUB, PEOPLE, HOST, COST)
