"""The benchmark `spawn-storm`: twenty people ask for a server in the same moment; all get one.

Beside it the same without a queue, all starting at once, on a platform of the same images.
"""

import secrets
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path

from jhub_bench.figures import Figure
from jhub_bench.login_storm import percentile
from jhub_docker.errors import ActionError
from jhub_docker.progress import say, stage
from jhub_testing.client import Client
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import wait_until

SERVERS = 20
PROFILE = "uv-marimo-small"
WITHIN = 300
"""Seconds after which a server that does not answer counts as failed."""


def measure(root: Path) -> list[Figure]:
    """Once with the platform's own queue, once with room for everybody to start at once."""
    queued, unqueued = (_platform(root, limit) for limit in ("0", str(SERVERS)))
    say(f"    p50 {percentile(queued, 50):.1f} s, p95 {percentile(queued, 95):.1f} s")
    return [figure(queued, unqueued)]


def figure(queued: Sequence[float], unqueued: Sequence[float]) -> Figure:
    """What both storms found, in seconds per server."""
    details = []
    for name, values in (("queued", queued), ("all at once", unqueued)):
        details += [(f"{name}, p{part}", percentile(values, part)) for part in (50, 95)]
        details.append((f"{name}, slowest", max(values)))
    return Figure(
        benchmark="spawn-storm",
        subject=f"{SERVERS} x {PROFILE}",
        unit="s",
        ours=tuple(queued),
        peer=tuple(unqueued),
        peer_name=f"the same with JHUB_CONCURRENT_SPAWN_LIMIT={SERVERS}, so without a queue",
        note="From everybody's request until each server answers through the published port.",
        details=tuple(details),
    )


def _platform(root: Path, limit: str) -> list[float]:
    with Engine(root / ".test-logs" / "bench") as engine:
        settings = {
            "JHUB_CONCURRENT_SPAWN_LIMIT": limit,
            # Twenty times two gigabytes are promised, and hardly any of that is used.
            "JHUB_MEMORY_OVERCOMMIT": "20",
        }
        with Platform(engine, root, f"spawns-{limit}", settings=settings) as platform:
            admin = Person(platform.url, "admin", platform.one_time_password())
            admin.log_in()
            if not admin.change_password(secrets.token_urlsafe(12)).ok:
                raise ActionError("the first admin's password could not be changed")
            names = [f"person{number}" for number in range(SERVERS)]
            answer = admin.hub.post("api/users", json={"usernames": names})
            if not answer.ok:
                raise ActionError(f"the people could not be made: {answer.text}")
            title = "in the queue's order" if limit == "0" else "all at once"
            with stage(f"spawn-storm: {SERVERS} servers, {title}"):
                return storm(platform, admin, names)


def storm(platform: Platform, admin: Person, names: Sequence[str]) -> list[float]:
    """Ask for all servers in the same moment; the seconds until each answers, sorted.

    Raises ActionError when one is refused, DeadlineReachedError when one does not come.
    """
    gate = threading.Barrier(len(names))

    def one(name: str) -> float:
        mine = Client(admin.hub.base)
        mine.session.cookies.update(admin.session.cookies)
        server = Client(f"{platform.url}/user/{name}/")
        gate.wait()
        begun = time.perf_counter()
        answer = mine.post(f"api/users/{name}/server", json={"profile": PROFILE})
        if not answer.ok:
            raise ActionError(f"{name}: {answer.status_code} {answer.text[:300]}")
        wait_until(
            lambda: server.get("api", allow_redirects=False).status_code == HTTPStatus.OK,
            WITHIN,
            f"the server of {name}",
        )
        return time.perf_counter() - begun

    with ThreadPoolExecutor(len(names)) as threads:
        return sorted(threads.map(one, names))
