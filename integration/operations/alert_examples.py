"""For each alert what makes it true and what does not, in the language of `promtool test rules`."""

MINUTES = "0x60"
"""A series at 0 for an hour; `1x60` is one at 1, `0+2x60` one that rises by 2 a minute."""

STARTS = "jupyterhub_server_spawn_duration_seconds_count"
LOOP = "jupyterhub_event_loop_interval_seconds"

EXAMPLES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "HubDown": ({'up{job="hub"}': MINUTES}, {'up{job="hub"}': "1x60"}),
    "ProxyDown": (
        {'up{job="hub"}': "1x60", 'up{job="proxy"}': MINUTES},
        {'up{job="hub"}': MINUTES, 'up{job="proxy"}': MINUTES},
    ),
    "FiguresMissing": (
        {"jhub_servers_measured_timestamp_seconds": MINUTES},
        {"jhub_servers_measured_timestamp_seconds": "0+60x60"},
    ),
    "StartsFail": (
        {
            f'{STARTS}{{status="error"}}': MINUTES,
            f'{STARTS}{{status="failure",reason="start-failed"}}': "0+1x60",
        },
        {
            f'{STARTS}{{status="error"}}': MINUTES,
            f'{STARTS}{{status="failure",reason="start-failed"}}': MINUTES,
            f'{STARTS}{{status="failure",reason="memory"}}': "0+9x60",
        },
    ),
    "StartsWait": ({"jhub_spawns_waiting": "1x60"}, {"jhub_spawns_waiting": MINUTES}),
    "EventLoopBlocked": (
        {f"{LOOP}_count": "0+10x60", f'{LOOP}_bucket{{le="1.0"}}': "0+9x60"},
        {f"{LOOP}_count": "0+10x60", f'{LOOP}_bucket{{le="1.0"}}': "0+10x60"},
    ),
    "DiskNearlyFull": (
        {"jhub_disk_free_bytes": "9x60", "jhub_disk_size_bytes": "100x60"},
        {"jhub_disk_free_bytes": "11x60", "jhub_disk_size_bytes": "100x60"},
    ),
    "DiskFull": (
        {"jhub_disk_free_bytes": "1x60", "jhub_disk_size_bytes": "100x60"},
        {"jhub_disk_free_bytes": "9x60", "jhub_disk_size_bytes": "100x60"},
    ),
    "InodesNearlyGone": (
        {"jhub_disk_inodes_free": "4x60", "jhub_disk_inodes": "100x60"},
        {"jhub_disk_inodes_free": "6x60", "jhub_disk_inodes": "100x60"},
    ),
    "MemoryShort": (
        {"jhub_host_memory_available_bytes": "9x60", "jhub_host_memory_bytes": "100x60"},
        {"jhub_host_memory_available_bytes": "11x60", "jhub_host_memory_bytes": "100x60"},
    ),
    "OutOfMemory": (
        {"jhub_out_of_memory_total": "0x50 1x20"},
        {"jhub_out_of_memory_total": "1x60"},
    ),
    "LoginsFail": ({"jhub_failed_logins_total": "0+6x60"}, {"jhub_failed_logins_total": "0+4x60"}),
    "BackupOld": (
        {'jhub_backup_succeeded_timestamp_seconds{what="backup"}': "-200000x60"},
        {'jhub_backup_succeeded_timestamp_seconds{what="drill"}': "-200000x60"},
    ),
    "BackupFailed": (
        {'jhub_backup_failed{what="verify"}': "1x60"},
        {'jhub_backup_failed{what="backup"}': MINUTES},
    ),
    "DrillOld": (
        {'jhub_backup_succeeded_timestamp_seconds{what="drill"}': "-8000000x60"},
        {'jhub_backup_succeeded_timestamp_seconds{what="drill"}': "-2000000x60"},
    ),
    "CertificateEnds": (
        {"jhub_certificate_ends_timestamp_seconds": "1000000x60"},
        {"jhub_certificate_ends_timestamp_seconds": "2000000x60"},
    ),
}
"""For each alert series that make it true within an hour, and series that do not."""


FIRING = 'count(ALERTS{alertname="%s",alertstate="firing"}) or vector(0)'


def tests(names: list[str], rules: str) -> dict[str, object]:
    """A file of tests for promtool: each alert fires by the first, and not by the second."""
    return {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [
            {
                "name": f"{name} {fires}",
                "interval": "1m",
                "input_series": [{"series": one, "values": text} for one, text in series.items()],
                "promql_expr_test": [
                    {
                        "expr": FIRING % name,
                        "eval_time": "55m",
                        "exp_samples": [{"labels": "{}", "value": float(fires)}],
                    }
                ],
            }
            for name in names
            for fires, series in zip((True, False), EXAMPLES[name], strict=True)
        ],
    }
