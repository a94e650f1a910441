"""The benchmarks `load` and `scale`: what everybody feels of ever more servers.

Both climb: so many servers are started, everything is looked at, more are started. `scale` does so
with containers of a stub server on the real engine, up to what one machine carries. In `load` the
engine and the servers are one process (`stub_host`), so that two thousand run beside the real hub,
filter, proxy and database, once on SQLite and once on PostgreSQL.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import requests
from docker.models.containers import Container

from jhub_bench import login_storm, memory, stub_platform
from jhub_bench.curve import REST, RESTART, Phase, Step
from jhub_bench.figures import percentile
from jhub_bench.health_probe import meanwhile
from jhub_docker.build import builds
from jhub_docker.errors import ActionError
from jhub_docker.platform import public_images
from jhub_docker.progress import say, stage
from jhub_testing import stub_servers
from jhub_testing.crowd import Crowd
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import ASK_AGAIN, wait_until

STEPS = (10, 100, 500, 1000, 2000)
CONTAINERS = 300
"""Servers of `scale`: each is a container, a network and three processes of the engine's."""

AT_ONCE = 30
LOGINS = 60
ALONE = 5
LOOKS = 30
RESTING = 40.0
"""Seconds of rest. What the hub does by itself comes once a minute, and with many servers takes
most of it; with few it is next to nothing.
"""

STOPS_WITHIN = 15
LIMIT = 700.0
"""Seconds after which no more servers are started on a database: there is a last look, and that was
its curve.
"""

PAGES = {
    "form": "spawn",
    "home": "home",
    "People": "authorize",
    "admin's list": "api/users?limit=50&include_stopped_servers=1",
}

SQLITE, POSTGRES = "SQLite", "PostgreSQL"
_POSTGRES_URL = "postgresql+psycopg://jupyterhub@/jupyterhub?host=/run/postgresql"

Keep = Callable[[Step], None]
"""Is told each step as soon as there is one."""


def scale(root: Path, servers: int, keep: Keep) -> list[Step]:
    """On the real engine: before anybody has a server, and with all of them."""
    with Engine(root / ".test-logs" / "bench") as engine:
        stub = stub_servers.make(engine)
        settings = stub_platform.settings(stub)
        with Platform(engine, root, "scale", settings=settings, config=stub.config) as platform:
            ground = Ground(platform, stub.profile, SQLITE)
            steps = ground.climb((0, servers), keep)
            if missing := servers - len(platform.servers()):
                raise ActionError(f"{missing} of {servers} servers are not there any more")
    return steps


def load(client: Any, root: Path, most: int, keep: Keep) -> list[Step]:
    """On the stub engine, on each database, in `STEPS` up to `most` servers."""
    if told := builds.failed(builds.build(root, [public_images.POSTGRES])):
        raise ActionError(told)
    sizes = [*(step for step in STEPS if step < most), most]
    found = []
    with Engine(root / ".test-logs" / "bench") as engine:
        for database, settings in {
            SQLITE: {},
            POSTGRES: {
                "COMPOSE_PROFILES": "postgres",
                "JHUB_DB_URL": _POSTGRES_URL,
                "JHUB_POSTGRES_IMAGE": public_images.image(root, public_images.POSTGRES),
            },
        }.items():
            with stub_platform.run(engine, root, database.lower(), settings) as stubs:
                ground = Ground(
                    stubs.platform,
                    stubs.profile,
                    database,
                    {"stubs": stubs.host},
                    partial(stubs.lead, "hub"),
                )
                found += ground.climb(sizes, keep)
    return found


@dataclass
class Ground:
    """One platform that is climbed on; `others` are containers beside its own that take part, and
    `restarted` is called before a hub that was started again begins.
    """

    platform: Platform
    profile: str
    database: str
    others: dict[str, Container] = field(default_factory=dict)
    restarted: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        wanted = ("hub", "proxy", "engine", "postgres")
        names = [one for one in wanted if one in self.platform.services]
        self.services = {one: self.platform.container(one) for one in names}
        self.all = self.services | self.others

    def climb(self, sizes: Sequence[int], keep: Keep) -> list[Step]:
        """Start servers up to each size, and look at everything there."""
        with stage(f"{self.database}: {LOGINS} people sign up"):
            people = login_storm.signed_up(self.platform, LOGINS)
        admin = self.platform.first_admin()
        late = self._crowd(admin, [f"late{number}" for number in range(AT_ONCE)])
        found: list[Step] = []
        there, end = 0, time.monotonic() + LIMIT
        for size in sizes:
            with stage(f"{self.database}: from {there} to {size} servers"):
                there += self._more(admin, there, size, end)
            looked, held = self._look(late, people), self._memory()
            step = Step(self.database, there, looked | {RESTART: self._restart()}, held)
            found.append(step)
            keep(step)
            say(f"    {summary(step)}")
            if there < size or time.monotonic() > end:
                say(f"    no more servers are started after {LIMIT:.0f} s")
                break
        return found

    def _crowd(self, admin: Person, names: list[str]) -> Crowd:
        return Crowd(self.platform, admin, names, self.profile, AT_ONCE).gather()

    def _more(self, admin: Person, first: int, last: int, end: float) -> int:
        """Start these, some at a time, until the moment `end`; returns how many."""
        begun, there = time.monotonic(), first
        while there < last and time.monotonic() < end:
            high = min(there + 4 * AT_ONCE, last)
            self._crowd(admin, [f"crowd{number}" for number in range(there, high)]).start()
            there = high
            say(f"    {there} after {time.monotonic() - begun:.0f} s")
        return there - first

    def _look(self, late: Crowd, people: list[Person]) -> dict[str, Phase]:
        """Everything once, on the platform as it is; `late` have no server before nor after."""

        def nothing() -> list[float]:
            time.sleep(RESTING)
            return []

        def page(path: str) -> Callable[[], list[float]]:
            return lambda: [_seconds(late.admin, path) for _ in range(LOOKS)]

        alone = [late.some(place, place + 1) for place in range(ALONE)]
        acts: dict[str, Callable[[], list[float]]] = {
            REST: nothing,
            **{name: page(path) for name, path in PAGES.items()},
            "one start": lambda: [one.start()[0] for one in alone],
            "one stop": lambda: [one.stop()[0] for one in alone],
            f"{AT_ONCE} starts": late.start,
            f"{AT_ONCE} stops": late.stop,
            "log-in": lambda: login_storm.come(people),
        }
        return {name: self._phase(name, act) for name, act in acts.items()}

    def _phase(self, name: str, act: Callable[[], list[float]]) -> Phase:
        with stage(f"{self.database}: {name}"), meanwhile(self.platform.url) as health:
            before, busy, begun = self._cpu(), processors(), time.monotonic()
            seconds = act()
            lasted, after = time.monotonic() - begun, self._cpu()
            part = busy_part(busy)
        return Phase(
            tuple(seconds),
            lasted,
            (percentile(health, 50), percentile(health, 99), max(health)),
            {one: after[one] - before[one] for one in after},
            os.getloadavg()[0],
            part,
        )

    def _restart(self) -> Phase:
        """Until the hub answers again, which it does when it knows its servers."""
        hub = self.services["hub"]
        with stage(f"{self.database}: {RESTART}"):
            busy = processors()
            hub.stop(timeout=STOPS_WITHIN)
            hub.start()
            # Servers that it cannot reach when it looks for them are stopped.
            hub.pause()
            self.restarted()
            hub.unpause()
            begun = time.monotonic()

            def answers() -> bool:
                return requests.get(f"{self.platform.url}/hub/health", timeout=ASK_AGAIN).ok

            wait_until(answers, "the hub", ignoring=requests.RequestException)
            lasted = time.monotonic() - begun
        return Phase(
            (lasted,),
            lasted,
            (),
            {"hub": memory.cpu_seconds(hub)},
            os.getloadavg()[0],
            busy_part(busy),
        )

    def _cpu(self) -> dict[str, float]:
        found = {name: memory.cpu_seconds(one) for name, one in self.all.items()}
        return found | {"people": time.process_time()}

    def _memory(self) -> dict[str, float]:
        return {name: memory.resident(one).pss for name, one in self.services.items()}


def processors() -> tuple[int, int]:
    """What all processors have worked, and how long they have been there (proc(5), /proc/stat)."""
    line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    user, nice, system, idle, waiting, *others = map(int, line.split()[1:9])
    worked = user + nice + system + sum(others)
    return worked, worked + idle + waiting


def busy_part(since: tuple[int, int]) -> float:
    """The part of all processors that was busy since `processors` said that."""
    worked, passed = (now - then for now, then in zip(processors(), since, strict=True))
    return worked / max(1, passed)


def _seconds(admin: Person, path: str) -> float:
    begun = time.perf_counter()
    answer = admin.hub.get(path)
    taken = time.perf_counter() - begun
    if not answer.ok:
        raise ActionError(f"{path}: {answer.status_code} at {answer.url}: {answer.text[:300]}")
    return taken


def summary(step: Step) -> str:
    """One step in one line."""
    taken = ", ".join(
        f"{name} {step.taken(name, 50):.3f} s ({1000 * step.each(name, 'hub'):.0f} ms of the hub)"
        for name, phase in step.phases.items()
        if phase.seconds
    )
    held = ", ".join(f"{name} {amount:.0f} MB" for name, amount in step.memory.items())
    return f"{step.servers} servers: {taken}; at rest {100 * step.at_rest('hub'):.1f} %; {held}"
