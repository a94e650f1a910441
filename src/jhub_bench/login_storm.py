"""The benchmark `login-storm`: many people log in at once while the hub has to stay responsive.

A class begins: a hundred people within ten seconds, each opening the log-in page, sending name and
password, and following to the next page. Meanwhile another process asks the hub's health endpoint.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jhub_bench.figures import Figure, percentile
from jhub_bench.health_probe import meanwhile
from jhub_docker.errors import ActionError
from jhub_docker.progress import say, stage
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

PEOPLE, WITHIN = 100, 10.0
"""How many log in, and the seconds over which they come."""

RUNS = 3
HEALTH_TARGET = 0.2
"""Seconds that the health endpoint's 99th percentile shall stay below."""


def measure(root: Path, runs: int) -> list[Figure]:
    """Start a platform with a hundred people, have them log in, and look at the hub meanwhile."""
    with (
        Engine(root / ".test-logs" / "bench") as engine,
        Platform(engine, root, "storm", settings={"JHUB_SIGNUP": "open"}) as platform,
    ):
        with stage(f"login-storm: {PEOPLE} people sign up"):
            people = signed_up(platform, PEOPLE)
        with stage(f"login-storm: {PEOPLE} log in within {WITHIN:.0f} s, {RUNS} times"):
            storms = [storm(platform.url, people) for _ in range(min(runs, RUNS))]
    return _figures(storms)


def signed_up(platform: Platform, count: int) -> list[Person]:
    """So many people with an account on a platform where everybody may sign up."""
    people = [Person(platform.url, f"person{number}") for number in range(count)]
    for person in people:
        if not person.sign_up().ok:
            raise ActionError(f"{person.name} could not sign up")
    return people


Storm = tuple[list[float], list[float], float]
"""Seconds of each health request, of each log-in, and from the first person's coming to the last
one's being in."""


def storm(url: str, people: Sequence[Person]) -> Storm:
    """One storm; raises ActionError when somebody does not get in."""
    with meanwhile(url) as health:
        begun = time.perf_counter()
        seconds = come(people)
        lasted = time.perf_counter() - begun
    return health, seconds, lasted


def come(people: Sequence[Person]) -> list[float]:
    """Have them log in over ten seconds; the seconds that each log-in took."""
    begun = time.perf_counter()
    with ThreadPoolExecutor(len(people)) as threads:
        arrivals = [begun + WITHIN * place / len(people) for place in range(len(people))]
        return list(threads.map(_come, people, arrivals))


def _come(person: Person, at: float) -> float:
    """Log in at a moment of `time.perf_counter`; returns how long that took."""
    time.sleep(max(0.0, at - time.perf_counter()))
    fresh = Person(person.url, person.name, person.password)
    begun = time.perf_counter()
    answer = fresh.log_in()
    seconds = time.perf_counter() - begun
    if not answer.ok or not fresh.is_logged_in():
        raise ActionError(f"{fresh.name}: {answer.status_code} at {answer.url}")
    return seconds


def _figures(storms: Sequence[Storm]) -> list[Figure]:
    health, logins, lasted = storms[-1]
    say(f"    last log-in after {lasted:.1f} s, {len(health)} health requests")
    note = f"{PEOPLE} people within {WITHIN:.0f} s through the published port."
    return [
        Figure(
            benchmark="login-storm",
            subject="/hub/health, 99th percentile",
            unit="s",
            ours=tuple(percentile(one[0], 99) for one in storms),
            note=f"{note} Target: below {HEALTH_TARGET:.2f} s.",
            details=(
                *((f"health p{part}", percentile(health, part)) for part in (50, 95, 99)),
                ("health, slowest", max(health)),
                *((f"log-in p{part}", percentile(logins, part)) for part in (50, 95, 99)),
            ),
        ),
        Figure(
            benchmark="login-storm",
            subject="until the last person is in",
            unit="s",
            ours=tuple(one[2] for one in storms),
            note=note,
        ),
    ]
