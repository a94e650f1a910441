"""How much memory the processes of a container have, as the kernel counts it."""

import re
import time
from dataclasses import dataclass

from docker.models.containers import Container

from jhub_docker.errors import ActionError

# As the server's own user, who may read these files of their own processes without a capability.
# The shell itself is left out; `cat` and `sleep` do not exist yet when the list is made.
_READ = """
for process in /proc/[0-9]*; do
    [ "$process" = "/proc/$$" ] || cat "$process/smaps_rollup" 2>/dev/null
done
"""

QUIET_CPU = 0.05
"""Seconds of CPU time in one second below which a server counts as idle."""

QUIET_WITHIN = 60.0


@dataclass(frozen=True)
class Resident:
    """Memory in MB (10^6 bytes), summed over processes.

    `pss` counts a page that several processes share once in all, `rss` once for each of them
    (proc(5), smaps_rollup).
    """

    pss: float
    rss: float


def parse(text: str) -> Resident:
    """Sum what several smaps_rollup files say; raises ValueError when there is none."""
    sums = {}
    for name in ("Pss", "Rss"):
        found = re.findall(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
        if not found:
            raise ValueError(f"no {name} in {text[:200]!r}")
        sums[name] = sum(map(int, found)) * 1024 / 1e6
    return Resident(pss=sums["Pss"], rss=sums["Rss"])


def resident(container: Container) -> Resident:
    """What a container's processes hold right now."""
    user = container.attrs["Config"].get("User") or "1000"
    _, output = container.exec_run(["sh", "-c", _READ], user=user)
    try:
        return parse(output.decode(errors="replace"))
    except ValueError as error:
        raise ActionError(f"the memory of {container.name} cannot be read: {error}") from None


def wait_until_idle(container: Container) -> None:
    """Wait until the container has used next to no CPU for a second."""
    deadline = time.monotonic() + QUIET_WITHIN
    last = cpu_seconds(container)
    while time.monotonic() < deadline:
        time.sleep(1.0)
        now = cpu_seconds(container)
        if now - last < QUIET_CPU:
            return
        last = now
    raise ActionError(f"{container.name} was not idle within {QUIET_WITHIN:.0f} s")


def cpu_seconds(container: Container) -> float:
    """The CPU time that its processes have had, as its control group counts it."""
    stats = container.stats(stream=False, one_shot=True)
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
