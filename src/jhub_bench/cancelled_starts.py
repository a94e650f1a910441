"""The benchmark `cancel`: starts that are cancelled at random moments, several people at once.

It measures how long somebody waits after Stop until they can start again, and fails when anything
is left over: a server, a network, a promise of memory, an answer 500, a traceback.
"""

import secrets
from pathlib import Path

from jhub_bench.figures import Figure, percentile
from jhub_docker.errors import ActionError
from jhub_docker.progress import say, stage
from jhub_testing import stub_servers
from jhub_testing.crowd import Cancelled, Crowd
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

STARTS = 200
PEOPLE = 8


def measure(root: Path, starts: int = STARTS) -> list[Figure]:
    """Cancel so many starts; raises ActionError with all that went wrong."""
    seed = secrets.randbits(32)
    with Engine(root / ".test-logs" / "bench") as engine:
        stub = stub_servers.make(engine)
        with Platform(
            engine, root, "cancel", settings=stub.settings, config=stub.config
        ) as platform:
            names = [f"person{number}" for number in range(PEOPLE)]
            crowd = Crowd(platform, platform.first_admin(), names, stub.profile).gather()
            with stage(f"cancel: {starts} starts by {PEOPLE} people (seed {seed})"):
                found = crowd.cancel(starts, seed)
                left = crowd.left_over()
            with stage("cancel: everybody starts and stops once more"):
                crowd.start()
                crowd.stop()
                left += crowd.left_over()
            log = platform.container("hub").logs().decode()
    trouble = [told for one in found for told in one.trouble] + left
    if "Traceback" in log:
        trouble.append(log[log.index("Traceback") - 500 :][:3000])
    if trouble:
        raise ActionError("\n".join([f"{len(trouble)} faults (seed {seed}):", *trouble[:20]]))
    say(f"    {starts} cancelled, nothing left over")
    return [figure(found, seed)]


def figure(found: list[Cancelled], seed: int) -> Figure:
    """What was measured, in seconds per start."""
    seconds = [one.seconds for one in found]
    again = sum(one.presses > 1 for one in found)
    return Figure(
        benchmark="cancel",
        subject=f"{len(found)} starts",
        unit="s",
        ours=tuple(seconds),
        note=(
            f"From Stop until the person can start again; {PEOPLE} people at once, at moments "
            f"between 0 and {max(one.after for one in found):.1f} s of a start (seed {seed}). No "
            f"server, network or promise left, no 500. In {again} of them Stop came before the "
            "start was known or after it was over, and was pressed again."
        ),
        details=(
            *((f"p{part}", percentile(seconds, part)) for part in (50, 95, 99)),
            ("slowest", max(seconds)),
        ),
    )
