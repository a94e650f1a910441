"""One row a server, and what there is to say of the platform, in words and sorted. Pure.

Page and program show what is made here, so that both always say the same.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hub_config import disk

COLUMNS = {
    "person": "Person",
    "server": "Server",
    "profile": "Profile",
    "state": "State",
    "cpu": "CPU",
    "memory": "Memory",
    "home": "Home size",
    "idle": "Idle",
    "address": "Address",
}
"""What a row has, with what people call it."""

NUMBERS = frozenset({"cpu", "memory", "home", "idle"})
"""Columns of figures: the largest comes first."""

NEAR = 0.9
"""Share of a limit from which on somebody is near it."""

MB, GB = 2**20, 2**30


@dataclass(frozen=True)
class Server:
    """What is known of one server. Memory and home are bytes, `cpu` is how many CPUs it keeps busy,
    times are seconds; None: not known, or there is no such limit.
    """

    person: str
    server: str = ""
    title: str = ""
    profile: str = ""
    state: str = "running"
    address: str = ""
    container: str = ""
    cpu: float | None = None
    memory: int | None = None
    memory_limit: int | None = None
    processes: int | None = None
    processes_limit: int | None = None
    home: int | None = None
    home_limit: int | None = None
    idle: float | None = None
    left: float | None = None
    """Until it is stopped."""
    warned: float = 0.0
    """How long before its end its person is told."""


@dataclass(frozen=True)
class Platform:
    """What is known of the rest. Sizes are bytes; `away` is why the engine did not answer, `routes`
    is None when the proxy did not.
    """

    version: str = ""
    up_seconds: float = 0.0
    hub_memory: int = 0
    people: int = 0
    waiting: int = 0
    routes: int | None = None
    starting: int = 0
    queued: int = 0
    at_a_time: int = 0
    promised: int = 0
    promisable: int = 0
    memory: int = 0
    memory_free: int = 0
    cpus: int = 0
    load: float = 0.0
    database: int = 0
    disk_free: int = disk.FULL
    disk_needed: int = 0
    """Below this no server starts."""
    differences: int = 0
    away: str = ""


@dataclass(frozen=True)
class Row:
    """A server in words, by column, and what it is near."""

    of: Server
    cells: Mapping[str, str]
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Told:
    """All there is to say: rows, lines about the platform, and warnings of who is near a limit."""

    rows: tuple[Row, ...]
    lines: tuple[tuple[str, str], ...]
    near: tuple[str, ...]
    order: str = "person"
    backwards: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        """For programs: figures as they are, with the words beside them."""
        return {
            "servers": [
                {**vars(row.of), "shown": dict(row.cells), "near": list(row.near)}
                for row in self.rows
            ],
            "columns": COLUMNS,
            "platform": dict(self.facts),
            "lines": [list(line) for line in self.lines],
            "near": list(self.near),
        }


def tell(
    servers: Iterable[Server],
    platform: Platform,
    order: str = "person",
    *,
    backwards: bool | None = None,
) -> Told:
    """Everything, sorted by a column; of figures the largest first unless `backwards` says.

    Raises ValueError for an `order` that is no column.
    """
    if order not in COLUMNS:
        raise ValueError(f"{order!r} is no column; expected one of {', '.join(COLUMNS)}")
    turned = order in NUMBERS if backwards is None else backwards
    rows = tuple(row(one) for one in arranged(servers, order, backwards=turned))
    near = [f"{name(one)}: {says}" for one in rows for says in one.near]
    return Told(
        rows, lines(rows, platform), (*warnings(platform), *near), order, turned, vars(platform)
    )


def name(made: Row) -> str:
    """Whose server it is, and which."""
    return f"{made.of.person} ({made.cells['server']})" if made.of.server else made.of.person


def arranged(servers: Iterable[Server], order: str, *, backwards: bool) -> list[Server]:
    """Sorted; what is not known comes last either way, and equals are by person and server."""
    listed = sorted(servers, key=lambda one: (one.person, one.server))
    known = [one for one in listed if getattr(one, order) not in (None, "")]
    unknown = [one for one in listed if getattr(one, order) in (None, "")]
    return sorted(known, key=lambda one: getattr(one, order), reverse=backwards) + unknown


def row(one: Server) -> Row:
    """A server in words."""
    cells = {
        "person": one.person,
        "server": one.title or one.server,
        "profile": one.profile,
        "state": one.state,
        "cpu": "" if one.cpu is None else f"{one.cpu:.2f}",
        "memory": of_limit(one.memory, one.memory_limit),
        "home": of_limit(one.home, one.home_limit, disk.size),
        "idle": "" if one.idle is None else duration(one.idle),
        "address": one.address,
    }
    return Row(one, cells, tuple(_near(one, cells)))


def usage_line(one: Server) -> dict[str, Any]:
    """For its person: what a server takes, and whether that is near a limit."""
    made = row(one)
    parts = [f"memory {made.cells['memory']}"] if made.cells["memory"] else []
    if one.cpu is not None:
        parts.append(f"{made.cells['cpu']} CPUs busy")
    return {"says": ", ".join(parts), "near": _is_near(one.memory, one.memory_limit)}


def _near(one: Server, cells: Mapping[str, str]) -> Iterable[str]:
    if _is_near(one.memory, one.memory_limit):
        yield f"memory {cells['memory']}"
    if _is_near(one.processes, one.processes_limit):
        yield f"{one.processes} of {one.processes_limit} processes and threads"
    if _is_near(one.home, one.home_limit):
        yield f"home {cells['home']}"
    if one.left is not None and one.left <= one.warned:
        yield f"is stopped in {duration(one.left)} unless something happens there"


def _is_near(used: int | None, limit: int | None) -> bool:
    return bool(used is not None and limit and used >= NEAR * limit)


def warnings(platform: Platform) -> list[str]:
    """What the platform itself is near, or beyond."""
    says = []
    if platform.away:
        says.append(f"The Docker Engine does not answer: {platform.away}")
    if platform.routes is None:
        says.append("The proxy does not answer: nobody new gets in, and servers cannot be reached.")
    if full := disk.complaint(platform.disk_free, admin=True):
        says.append(full)
    elif platform.disk_free < platform.disk_needed:
        says.append(
            f"The disk has {disk.size(platform.disk_free)} left, and no server starts with less "
            f"than {disk.size(platform.disk_needed)} (JHUB_MIN_FREE_DISK_GB)."
        )
    if _is_near(platform.promised, platform.promisable):
        says.append(
            f"{of_limit(platform.promised, platform.promisable)} of memory are promised: further "
            "servers may have to wait."
        )
    if platform.queued:
        says.append(f"In the queue for a start: {counted(platform.queued, 'server')}.")
    if platform.differences:
        says.append(
            f"Hub and engine disagree about {counted(platform.differences, 'thing')}: the page "
            "Homes has them."
        )
    return says


def lines(rows: Sequence[Row], platform: Platform) -> tuple[tuple[str, str], ...]:
    """What there is to say of hub, proxy, people, queue, promises, machine and database."""
    at_work = len({one.of.person for one in rows})
    waiting = f", {platform.waiting} wait for approval" if platform.waiting else ""
    routes = "does not answer"
    if platform.routes is not None:
        routes = f"answers, {counted(platform.routes, 'route')}"
    promised = of_limit(platform.promised, platform.promisable)
    return (
        (
            "Hub",
            f"JupyterHub {platform.version}, up for {duration(platform.up_seconds)}, "
            f"{size(platform.hub_memory)} of memory",
        ),
        ("Proxy", routes),
        ("People", f"{platform.people}, {at_work} with servers{waiting}"),
        ("Servers", f"{len(rows)}, {platform.starting} starting, {platform.queued} in the queue"),
        ("Memory promised", promised if platform.promisable else "not known"),
        (
            "Machine",
            f"{size(platform.memory_free)} of {size(platform.memory)} memory free, load "
            f"{platform.load:.1f} on {platform.cpus} CPUs",
        ),
        (
            "Database",
            f"{disk.size(platform.database)}, {disk.size(platform.disk_free)} left on its disk",
        ),
    )


def counted(number: int, word: str) -> str:
    """`1 server`, `2 servers`."""
    return f"{number} {word}{'s' * (number != 1)}"


def of_limit(
    used: int | None, limit: int | None, words: Callable[[float], str] | None = None
) -> str:
    """Bytes in words, with the limit where there is one; memory's words unless others are given."""
    say = words or size
    if used is None:
        return ""
    if not limit:
        return say(used)
    return f"{say(used)} of {say(limit)} ({used / limit:.0%})"


def size(amount: float) -> str:
    """Memory in words: MB and GB are 2²⁰ and 2³⁰, as everywhere on the hub's pages."""
    if amount < GB:
        return f"{amount / MB:.0f} MB"
    return f"{amount / GB:.1f} GB"


def duration(seconds: float) -> str:
    """A time in words, in the largest two units that are not nothing."""
    minutes = max(0, int(seconds)) // 60
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else "under a minute"
