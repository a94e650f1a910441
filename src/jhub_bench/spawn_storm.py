"""The benchmark `spawn-storm`: twenty people ask for a server in the same moment; all get one.

Beside it the same without a queue, all starting at once, on a platform of the same images.
"""

from collections.abc import Sequence
from pathlib import Path

from jhub_bench.figures import Figure, percentile
from jhub_docker.progress import say, stage
from jhub_testing.crowd import Crowd
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

SERVERS = 20
PROFILE = "uv-marimo-small"


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
            names = [f"person{number}" for number in range(SERVERS)]
            crowd = Crowd(platform, platform.first_admin(), names, PROFILE).gather()
            title = "in the queue's order" if limit == "0" else "all at once"
            with stage(f"spawn-storm: {SERVERS} servers, {title}"):
                return crowd.start()
