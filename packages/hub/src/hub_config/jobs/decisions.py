"""What is to be done about a job now, and what became of a run. Pure."""

from enum import StrEnum

WAITS = frozenset(
    {
        *("user-servers", "user-memory", "user-cpus", "servers", "memory", "cpus", "gpus", "disk"),
        "engine-away",
    }
)
"""Reasons of refusals that pass: a run that is refused so waits, any other one has failed."""


class Act(StrEnum):
    """What to do."""

    NOTHING = "nothing"
    START = "start"
    END = "end"
    CLOSE = "close"


class Outcome(StrEnum):
    """What became of a run."""

    OK = "ok"
    FAILED = "failed"
    TOO_LONG = "too-long"
    STOPPED = "stopped"
    REFUSED = "refused"


BAD = frozenset({Outcome.FAILED, Outcome.TOO_LONG, Outcome.REFUSED})
"""Of these somebody is told."""


def act(
    *, going_on: bool, active: bool, ready: bool, due: bool, allowed: bool, too_long: bool = False
) -> Act:
    """What to do. `going_on` is whether a run is entered as going on, `too_long` for longer than it
    may; `active` whether its server is starting, running or stopping, `ready` whether it runs;
    `due` whether the job waits to be started, `allowed` whether its person may log in.
    """
    if going_on and not active:
        return Act.CLOSE
    if ready and (not going_on or not allowed or too_long):
        return Act.END
    if due and allowed and not going_on and not active:
        return Act.START
    return Act.NOTHING


def outcome(exit_code: int | None, *, begun: bool) -> Outcome | None:
    """What became of a run whose server is gone; None: it never began, and is due as before.

    One that began and was not seen to end was stopped: by its person, an admin, or an operator.
    """
    if exit_code is None:
        return Outcome.STOPPED if begun else None
    return Outcome.FAILED if exit_code else Outcome.OK
