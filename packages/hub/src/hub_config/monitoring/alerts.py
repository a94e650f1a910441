"""What an operator is told by Prometheus, each alert declared once: rules and the table of
`docs/monitoring.md` follow from it. Pure.

`integration/operations` has an example of each for `promtool test rules`, true and not.
"""

from dataclasses import dataclass
from typing import Any

STARTS = "jupyterhub_server_spawn_duration_seconds_count"
LOOP = "jupyterhub_event_loop_interval_seconds"


@dataclass(frozen=True)
class Alert:
    """`expression` has to be true for so many `minutes`. `severity` is critical where people cannot
    work, or soon will not; else warning. `meaning` and `action` are for whoever is woken up.
    """

    name: str
    expression: str
    minutes: int
    severity: str
    meaning: str
    action: str


CRITICAL, WARNING = "critical", "warning"

ALERTS = (
    Alert("HubDown", 'up{job="hub"} == 0', 2, CRITICAL,
          "The hub does not answer: nobody can log in or start a server; those that run go on.",
          "./dev invoke doctor, ./dev invoke logs -s hub, ./dev invoke up"),
    Alert("ProxyDown", 'up{job="proxy"} == 0 and on() up{job="hub"} == 1', 2, CRITICAL,
          "The proxy does not answer: nobody reaches anything.",
          "./dev invoke logs -s proxy, ./dev invoke up"),
    Alert("FiguresMissing", "time() - jhub_servers_measured_timestamp_seconds > 600", 5, WARNING,
          "Servers have not been measured for ten minutes: the hub cannot ask the engine.",
          "./dev invoke logs -s engine"),
    Alert("StartsFail",
          f'sum(increase({STARTS}{{status="error"}}[15m])) + '
          f'sum(increase({STARTS}{{status="failure",reason="start-failed"}}[15m])) > 2.5',
          0, CRITICAL,
          "Three servers or more did not come up within a quarter of an hour.",
          "./dev invoke logs -s hub says why for each"),
    Alert("StartsWait", "jhub_spawns_waiting > 0", 10, WARNING,
          "Somebody has been waiting for a turn to start for ten minutes.",
          "Look at the dashboard Hub for the stage that is slow, or raise "
          "JHUB_CONCURRENT_SPAWN_LIMIT"),
    Alert("EventLoopBlocked",
          f'sum(increase({LOOP}_count[10m])) - sum(increase({LOOP}_bucket{{le="1.0"}}[10m])) > 1.5',
          0, WARNING,
          "The hub did not react for more than a second, several times in ten minutes.",
          "./dev invoke logs -s hub names the moments; look for a full disk or a busy machine"),
    Alert("DiskNearlyFull", "jhub_disk_free_bytes / jhub_disk_size_bytes < 0.1", 10, WARNING,
          "Less than a tenth of the disk with the data volume is free.",
          "./dev invoke clean; the dashboard People has homes' sizes"),
    Alert("DiskFull", "jhub_disk_free_bytes / jhub_disk_size_bytes < 0.02", 1, CRITICAL,
          "The disk with the data volume is full: no server starts, and changes may be lost.",
          "Make room on the engine's disk at once"),
    Alert("InodesNearlyGone", "jhub_disk_inodes_free / jhub_disk_inodes < 0.05", 10, WARNING,
          "Less than a twentieth of the disk's inodes is free.",
          "./dev invoke clean; images and homes have the most files"),
    Alert("MemoryShort",
          "jhub_host_memory_available_bytes / jhub_host_memory_bytes < 0.1", 5, WARNING,
          "Less than a tenth of the machine's memory is free.",
          "Lower JHUB_MEMORY_OVERCOMMIT, or stop what else runs there"),
    Alert("OutOfMemory", "increase(jhub_out_of_memory_total[15m]) > 0", 0, WARNING,
          "A server lost a program for want of memory; its person was told.",
          "The dashboard People says whose; offer a larger profile where it happens often"),
    Alert("LoginsFail", "increase(jhub_failed_logins_total[10m]) > 50", 0, WARNING,
          "Many wrong passwords within ten minutes: somebody may be guessing.",
          "The hub makes them wait; ./dev invoke logs -s hub has the addresses"),
    Alert("BackupOld",
          'time() - jhub_backup_succeeded_timestamp_seconds{what="backup"} > 2 * 86400',
          30, CRITICAL,
          "The last backup that succeeded is older than two days.",
          "./dev invoke backup.list says why"),
    Alert("BackupFailed", 'jhub_backup_failed{what=~"backup|verify|drill"} == 1', 5, WARNING,
          "The last backup, verification or drill failed.",
          "./dev invoke backup.list says why"),
    Alert("DrillOld",
          'time() - jhub_backup_succeeded_timestamp_seconds{what="drill"} > 90 * 86400',
          30, WARNING,
          "Nobody has tried for three months whether backups come back.",
          "./dev invoke backup.drill"),
    Alert("CertificateEnds",
          "jhub_certificate_ends_timestamp_seconds - time() < 14 * 86400", 30, WARNING,
          "The certificate of the public address ends within two weeks.",
          "Renew it, or see why what renews it does not"),
)  # fmt: skip


def rules() -> dict[str, Any]:
    """The rules as Prometheus reads them."""
    found = [
        {
            "alert": one.name,
            "expr": one.expression,
            "for": f"{one.minutes}m",
            "labels": {"severity": one.severity},
            "annotations": {"summary": one.meaning, "action": one.action},
        }
        for one in ALERTS
    ]
    return {"groups": [{"name": "platform", "rules": found}]}
