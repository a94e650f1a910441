"""Metrics of what is there at this moment, from facts that somebody else looked up. Pure.

Names begin with `jhub_`; JupyterHub's own begin with `jupyterhub_`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

from hub_config.monitoring.usage import Total
from hub_config.offer.room import Host, Promise
from hub_config.runtime.interface import Container, Usage

TICKS = 100
"""Units of /proc/stat in a second (proc(5), sysconf(_SC_CLK_TCK); 100 on Linux's platforms)."""


@dataclass(frozen=True)
class Disk:
    """A file system: bytes and inodes in all, and those that are free."""

    size: int
    free: int
    inodes: int
    inodes_free: int


@dataclass(frozen=True)
class Queue:
    """Starts: how many wait for a turn, how many have one, how many may at the same time."""

    waiting: int = 0
    starting: int = 0
    at_a_time: int = 0


@dataclass(frozen=True)
class Facts:
    """All that is told. What is None, or empty, is not known and so not told.

    `at` is when the servers were measured, `homes` are the sizes of homes in bytes by volume and
    person, `backup` is what was written about backups, `certificate` when the public address's
    ends, both in seconds since the epoch.
    """

    servers: Iterable[tuple[Container, Usage]] = ()
    at: float = 0.0
    month: Iterable[Total] = ()
    promises: Iterable[Promise] = ()
    room: int | None = None
    queue: Queue = field(default_factory=Queue)
    host: Host | None = None
    cpu: Mapping[str, float] = field(default_factory=dict)
    disk: Disk | None = None
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


def families(facts: Facts) -> Iterator[Metric]:
    """The metrics."""
    yield from _servers(facts)
    yield from _month(facts.month)
    yield from _offer(facts)
    yield from _host(facts)
    yield from _kept(facts)


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
        return families(self._facts)


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"jhub_{name}", meaning, value=value)


def _servers(facts: Facts) -> Iterator[Metric]:
    labels = ["user", "server"]
    cpu = CounterMetricFamily("jhub_server_cpu_seconds", "CPU time of a server", labels=labels)
    memory = GaugeMetricFamily("jhub_server_memory_bytes", "Memory in use", labels=labels)
    limit = GaugeMetricFamily("jhub_server_memory_limit_bytes", "Memory it may use", labels=labels)
    processes = GaugeMetricFamily("jhub_server_processes", "Processes and threads", labels=labels)
    starved = GaugeMetricFamily(
        "jhub_server_out_of_memory", "1 when it lost a program for want of memory", labels=labels
    )
    for container, used in facts.servers:
        key = container.key
        cpu.add_metric(key, used.processor)
        memory.add_metric(key, used.memory)
        limit.add_metric(key, container.memory)
        processes.add_metric(key, used.processes)
        starved.add_metric(key, float(container.starved))
    yield from (cpu, memory, limit, processes, starved)
    if facts.at:
        yield _gauge("servers_measured_timestamp_seconds", "When servers were measured", facts.at)


def _month(month: Iterable[Total]) -> Iterator[Metric]:
    told = {
        "hours": ("Hours of servers this month (UTC)", "hours"),
        "cpu_hours": ("CPU hours this month", "cpu_hours"),
        "memory_gb_hours": ("Hours of promised memory (2³⁰ bytes) this month", "gb_hours"),
    }
    totals = list(month)
    for name, (meaning, attribute) in told.items():
        family = GaugeMetricFamily(f"jhub_month_{name}", meaning, labels=["user"])
        # Two people had one name, one after the other: a metric is there once.
        added: Counter[str] = Counter()
        for total in totals:
            added[total.name] += getattr(total, attribute)
        for person, amount in added.items():
            family.add_metric([person], amount)
        yield family


def _offer(facts: Facts) -> Iterator[Metric]:
    promises = list(facts.promises)
    yield _gauge("promised_servers", "Servers that have a promise", len(promises))
    memory = sum(promise.memory for promise in promises)
    yield _gauge("promised_memory_bytes", "Memory promised to servers", memory)
    cpus = sum(promise.cpus for promise in promises)
    yield _gauge("promised_cpus", "CPUs guaranteed to servers", cpus)
    if facts.room is not None:
        yield _gauge("promisable_memory_bytes", "Memory that may be promised in all", facts.room)
    yield _gauge("spawns_waiting", "Starts that wait for a turn", facts.queue.waiting)
    yield _gauge("spawns_starting", "Starts that have a turn", facts.queue.starting)
    yield _gauge("spawns_at_a_time", "Starts that may have a turn", facts.queue.at_a_time)


def _host(facts: Facts) -> Iterator[Metric]:
    if (host := facts.host) is not None:
        yield _gauge("host_memory_bytes", "Memory of the engine's machine", host.memory)
        yield _gauge("host_memory_available_bytes", "What of it is free", host.memory_available)
        yield _gauge("host_cpus", "CPUs of the engine's machine", host.cpus)
    cpu = CounterMetricFamily("jhub_host_cpu_seconds", "Time of all its CPUs", labels=["mode"])
    for mode, seconds in facts.cpu.items():
        cpu.add_metric([mode], seconds)
    yield cpu
    if (disk := facts.disk) is not None:
        yield _gauge("disk_size_bytes", "The disk with the data volume", disk.size)
        yield _gauge("disk_free_bytes", "What of it is free", disk.free)
        if disk.inodes:  # btrfs has none to run out of
            yield _gauge("disk_inodes", "Inodes of that disk", disk.inodes)
            yield _gauge("disk_inodes_free", "Those that are free", disk.inodes_free)


def _kept(facts: Facts) -> Iterator[Metric]:
    homes = GaugeMetricFamily("jhub_home_bytes", "Size of a home", labels=["user", "volume"])
    for (user, volume), size in facts.homes.items():
        homes.add_metric([user, volume], size)
    yield homes
    done = GaugeMetricFamily(
        "jhub_backup_succeeded_timestamp_seconds", "When it succeeded last", labels=["what"]
    )
    failed = GaugeMetricFamily("jhub_backup_failed", "1 when the last try failed", labels=["what"])
    for what, known in facts.backup.items():
        failed.add_metric([what], float(bool(known.get("failed"))))
        if when := known.get("succeeded"):
            done.add_metric([what], datetime.fromisoformat(when).timestamp())
    yield from (done, failed)
    if facts.certificate is not None:
        meaning = "When the certificate of the public address ends"
        yield _gauge("certificate_ends_timestamp_seconds", meaning, facts.certificate)
