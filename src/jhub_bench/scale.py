"""The benchmark `scale`: what everybody feels of hundreds of servers on one host.

The servers are stubs (`jhub_testing.stub_servers`), so that what is measured is the hub, its
filter, the proxy and the engine. The peer is the same platform before anybody had a server: a ratio
above one is what grows with everybody.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from jhub_bench import login_storm, memory
from jhub_bench.figures import Figure
from jhub_bench.health_probe import meanwhile
from jhub_bench.login_storm import percentile
from jhub_docker.errors import ActionError
from jhub_docker.progress import say, stage
from jhub_testing import stub_servers
from jhub_testing.crowd import Crowd
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

SERVERS = 300
AT_ONCE = 30
LOGINS = 60
ALONE = 5
"""How many start and stop while nobody else does."""

PAGES = {
    "home": "home",
    "form": "spawn",
    "People": "authorize",
    "admin page's list": "api/users?limit=50&include_stopped_servers=1",
}
LOOKS = 10
"""How often each page is asked for."""

QUIET = 10.0
"""Seconds for which the health endpoint is asked while nothing else is done."""

Values = dict[tuple[str, str], list[float]]
"""What was measured, by subject and unit."""


def measure(root: Path, servers: int = SERVERS) -> list[Figure]:
    """Look at an empty platform, start so many servers, look again."""
    with Engine(root / ".test-logs" / "bench") as engine:
        stub = stub_servers.make(engine)
        settings = {"JHUB_SIGNUP": "open", "JHUB_MEMORY_OVERCOMMIT": "20", **stub.settings}
        with Platform(engine, root, "scale", settings=settings, config=stub.config) as platform:
            with stage(f"scale: {LOGINS} people sign up"):
                people = login_storm.signed_up(platform, LOGINS)
            names = [f"crowd{number}" for number in range(servers + AT_ONCE)]
            crowd = Crowd(platform, platform.first_admin(), names, stub.profile).gather()
            late = crowd.some(servers, servers + AT_ONCE)
            loads = [os.getloadavg()[0]]
            empty = _look(late, people)
            say(f"    {_summary(empty)}")
            begun = time.perf_counter()
            with stage(f"scale: {servers} servers start"):
                for first in range(0, servers, AT_ONCE):
                    took = crowd.some(first, min(first + AT_ONCE, servers)).start()
                    say(f"    {first + len(took)} after {time.perf_counter() - begun:.0f} s")
            loads.append(os.getloadavg()[0])
            full = _look(late, people)
            say(f"    {_summary(full)}")
            if missing := servers - len(platform.servers()):
                raise ActionError(f"{missing} of {servers} servers are not there any more")
    return figures(empty, full, servers, loads)


def figures(empty: Values, full: Values, servers: int, loads: Sequence[float]) -> list[Figure]:
    """One for each subject; `loads` are the machine's load averages before either look."""
    return [
        Figure(
            benchmark="scale",
            subject=f"{subject}, {servers} servers",
            unit=unit,
            ours=tuple(values),
            peer=tuple(empty[subject, unit]),
            peer_name="the same platform before anybody had a server",
            note=(
                f"Stub servers; {AT_ONCE} at once and {LOGINS} log-ins come on top of them. Load "
                f"average {loads[0]:.1f} before, {loads[1]:.1f} with all; the CPU of the hub is "
                "the same on a busy machine."
            ),
            details=tuple(
                (f"{which} p{part}", percentile(sorted(measured), part))
                for which, measured in (("before", empty[subject, unit]), ("with all", values))
                for part in (50, 95, 99)
                if len(measured) >= LOOKS
            ),
        )
        for (subject, unit), values in full.items()
    ]


def _look(late: Crowd, people: list[Person]) -> Values:
    """Everything once, on the platform as it is; `late` have no server before nor after."""
    found: Values = {}
    with stage("scale: pages"):
        for subject, path in PAGES.items():
            found[subject, "s"] = [_seconds(late.admin, path) for _ in range(LOOKS)]
    with stage("scale: nobody does anything"), _watched(late.platform, found, "quiet"):
        time.sleep(QUIET)
    with stage(f"scale: {ALONE} start and stop, one at a time"):
        alone = [late.some(place, place + 1) for place in range(ALONE)]
        found["one start", "s"] = [one.start()[0] for one in alone]
        found["one stop", "s"] = [one.stop()[0] for one in alone]
    with (
        stage(f"scale: {len(late.names)} start at once"),
        _watched(late.platform, found, "starts at once"),
    ):
        found["starts at once", "s"] = late.start()
    with (
        stage(f"scale: {len(late.names)} stop at once"),
        _watched(late.platform, found, "stops at once"),
    ):
        found["stops at once", "s"] = late.stop()
    with stage(f"scale: {len(people)} log in"), _watched(late.platform, found, "log-ins"):
        found["log-in", "s"] = login_storm.come(people)
    for service in ("hub", "proxy", "engine"):
        resident = memory.resident(late.platform.container(service))
        found[f"memory of {service}", "MB"] = [resident.pss]
    return found


@contextmanager
def _watched(platform: Platform, found: Values, what: str) -> Iterator[None]:
    """Note how quickly the hub answers meanwhile, and what it takes of the processor."""
    hub = platform.container("hub")
    before = memory.cpu_seconds(hub)
    with meanwhile(platform.url) as health:
        yield
    found[f"health p99, {what}", "s"] = [percentile(health, 99)]
    found[f"CPU of hub, {what}", "s"] = [memory.cpu_seconds(hub) - before]


def _seconds(admin: Person, path: str) -> float:
    begun = time.perf_counter()
    answer = admin.hub.get(path)
    taken = time.perf_counter() - begun
    if not answer.ok:
        raise ActionError(f"{path}: {answer.status_code} at {answer.url}: {answer.text[:300]}")
    return taken


def _summary(found: Values) -> str:
    return ", ".join(
        f"{subject} {percentile(sorted(values), 50):.3g} {unit}"
        for (subject, unit), values in found.items()
    )
