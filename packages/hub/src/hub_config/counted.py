"""What is counted as it happens, told by JupyterHub's own `/hub/metrics`. What can be looked up
when somebody asks is the business of `monitoring`.

Labels have few values each: a metric for every person would stay for ever.
"""

from jupyterhub.metrics import SERVER_SPAWN_DURATION_SECONDS, ServerSpawnStatus
from prometheus_client import Counter, Histogram

START_FAILED = "start-failed"
"""JupyterHub's label for a server that was started and did not come up; others are refusals."""

# Known before the first time, or no rate could be told of it.
SERVER_SPAWN_DURATION_SECONDS.labels(status=ServerSpawnStatus.failure, reason=START_FAILED)

STAGE_SECONDS = Histogram(
    "jhub_spawn_stage_seconds",
    "How long each stage of a start took, also of one that failed then",
    ["stage"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800),
)

FAILED_LOGINS = Counter("jhub_failed_logins", "Wrong passwords and codes")

SERVERS_ENDED = Counter("jhub_servers_ended", "Servers that ended, by who ended them", ["by"])

LIFETIMES, SOMEBODY, ITSELF = "lifetimes", "somebody", "itself"
"""Its time was over; its person or an admin asked for it; its program ended."""

for who in (LIFETIMES, SOMEBODY, ITSELF):
    SERVERS_ENDED.labels(who)  # the same

OUT_OF_MEMORY = Counter(
    "jhub_out_of_memory", "Servers that lost a program, or ended, for want of memory"
)


RUNS_ENDED = Counter("jhub_runs_ended", "Scheduled runs that ended, by outcome", ["outcome"])


def looked_at(*, runs: bool, starved: bool) -> None:
    """A server's container was seen: whether it runs, and whether it is news that it starves."""
    if starved:
        OUT_OF_MEMORY.inc()
    if not runs:
        SERVERS_ENDED.labels(ITSELF).inc()
