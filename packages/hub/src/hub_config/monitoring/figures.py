"""Metrics of what is there at this moment, from facts that somebody else looked up. Pure.

Names begin with `jhub_`; JupyterHub's own begin with `jupyterhub_`.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from hub_config.monitoring.usage import Total
from hub_config.offer.room import Host, Promise
from hub_config.runtime.interface import Container, Usage

TICKS = 100
"""Units of /proc/stat in a second (proc(5), sysconf(_SC_CLK_TCK); 100 on Linux's platforms)."""


@dataclass(frozen=True)
class Facts:
    """All that is told. What is None, or empty, is not known and so not told.

    `at` is when the servers were measured, `starts` are how many wait for a turn, have one, and may
    at the same time, `disk` is the file system with the data volume, `homes` are the sizes of homes
    in bytes by person and volume, `backup` is what was written about backups, `certificate` when
    the public address's ends; times are in seconds since the epoch.
    """

    servers: Iterable[tuple[Container, Usage]] = ()
    at: float = 0.0
    month: Iterable[Total] = ()
    promises: Iterable[Promise] = ()
    room: int | None = None
    starts: tuple[int, int, int] = (0, 0, 0)
    host: Host | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    disk: os.statvfs_result | None = None
    homes: Mapping[tuple[str, str], int] = field(default_factory=dict)
    backup: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    certificate: float | None = None


def cpu_seconds(stat: str) -> dict[str, float]:
    """How long the machine's CPUs were busy and idle together (proc(5), /proc/stat)."""
    _, *fields = next(line for line in stat.splitlines() if line.startswith("cpu ")).split()
    # user nice system idle iowait irq softirq steal; guests' time is in user's already.
    ticks = [int(one) for one in fields[:8]]
    idle = sum(ticks[3:5])
    return {"busy": (sum(ticks) - idle) / TICKS, "idle": idle / TICKS}


def exposition(facts: Facts) -> bytes:
    """The metrics as Prometheus reads them."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(facts))
    return bytes(generate_latest(registry))


class _Once:
    """What prometheus_client calls a collector."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        facts = self._facts
        yield from _servers(facts)
        yield from _month(facts.month)
        yield from _kept(facts)
        cpu = ([mode, seconds] for mode, seconds in facts.cpu.items())
        yield _counter("host_cpu_seconds", "Time of all its CPUs", ["mode"], cpu)
        for name, meaning, value in _single(facts):
            if value is not None:
                yield GaugeMetricFamily(f"jhub_{name}", meaning, value=value)


Samples = Iterable[Sequence[Any]]
"""Each the values of its labels and then its own."""


def _family(kind: Any, name: str, meaning: str, labels: list[str], samples: Samples) -> Metric:
    made: Metric = kind(f"jhub_{name}", meaning, labels=labels)
    for *key, value in samples:
        made.add_metric(key, value)  # type: ignore[attr-defined]
    return made


_gauge, _counter = partial(_family, GaugeMetricFamily), partial(_family, CounterMetricFamily)


def _servers(facts: Facts) -> Iterator[Metric]:
    found = list(facts.servers)

    def of(value: Callable[[Container, Usage], float]) -> tuple[list[str], Samples]:
        return ["user", "server"], ([*one.key, value(one, used)] for one, used in found)

    yield _counter("server_cpu_seconds", "CPU time of a server", *of(lambda _, u: u.processor))
    yield _gauge("server_memory_bytes", "Memory in use", *of(lambda _, u: u.memory))
    yield _gauge("server_memory_limit_bytes", "Memory it may use", *of(lambda one, _: one.memory))
    yield _gauge("server_processes", "Processes and threads", *of(lambda _, u: u.processes))
    meaning = "1 when it lost a program for want of memory"
    yield _gauge("server_out_of_memory", meaning, *of(lambda one, _: float(one.starved)))


def _month(month: Iterable[Total]) -> Iterator[Metric]:
    told = {
        "hours": ("Hours of servers this month (UTC)", "hours"),
        "cpu_hours": ("CPU hours this month", "cpu_hours"),
        "memory_gb_hours": ("Hours of promised memory (2³⁰ bytes) this month", "gb_hours"),
    }
    totals = list(month)
    for name, (meaning, attribute) in told.items():
        # Two people had one name, one after the other: a metric is there once.
        added: Counter[str] = Counter()
        for total in totals:
            added[total.name] += getattr(total, attribute)
        yield _gauge(f"month_{name}", meaning, ["user"], added.items())


def _kept(facts: Facts) -> Iterator[Metric]:
    homes = ([*whose, size] for whose, size in facts.homes.items())
    yield _gauge("home_bytes", "Size of a home", ["user", "volume"], homes)
    done = {what: known.get("succeeded") for what, known in facts.backup.items()}
    times = ((what, datetime.fromisoformat(at).timestamp()) for what, at in done.items() if at)
    name = "backup_succeeded_timestamp_seconds"
    yield _gauge(name, "When it succeeded last", ["what"], times)
    failed = ((what, float(bool(known.get("failed")))) for what, known in facts.backup.items())
    yield _gauge("backup_failed", "1 when the last try failed", ["what"], failed)


def _single(facts: Facts) -> Iterator[tuple[str, str, float | None]]:
    """What there is one value of, None where it is not known."""
    measured, promises, disk = facts.at or None, list(facts.promises), facts.disk
    yield "servers_measured_timestamp_seconds", "When servers were measured", measured
    yield "promised_servers", "Servers that have a promise", len(promises)
    memory, cpus = (sum(one.memory for one in promises), sum(one.cpus for one in promises))
    yield "promised_memory_bytes", "Memory promised to servers", memory
    yield "promised_cpus", "CPUs guaranteed to servers", cpus
    yield "promisable_memory_bytes", "Memory that may be promised in all", facts.room
    waiting, starting, at_a_time = facts.starts
    yield "spawns_waiting", "Starts that wait for a turn", waiting
    yield "spawns_starting", "Starts that have a turn", starting
    yield "spawns_at_a_time", "Starts that may have a turn", at_a_time
    if (host := facts.host) is not None:
        yield "host_memory_bytes", "Memory of the engine's machine", host.memory
        yield "host_memory_available_bytes", "What of it is free", host.memory_available
        yield "host_cpus", "CPUs of the engine's machine", host.cpus
    if disk is not None:
        yield "disk_size_bytes", "The disk with the data volume", disk.f_blocks * disk.f_frsize
        # What others than root may have of it.
        yield "disk_free_bytes", "What of it is free", disk.f_bavail * disk.f_frsize
        # btrfs has none to run out of.
        yield "disk_inodes", "Inodes of that disk", disk.f_files or None
        yield "disk_inodes_free", "Those that are free", disk.f_favail if disk.f_files else None
    meaning = "When the certificate of the public address ends"
    yield "certificate_ends_timestamp_seconds", meaning, facts.certificate
