"""Why a server ended, or lost a program, in words for its person. Pure.

The engine says what it saw (Engine API, ContainerInspect, State and HostConfig). `OOMKilled` is
true from the moment the kernel killed any process of the container for want of memory, also while
the container runs on (seen with Docker Engine 26.1, cgroup v1).
"""

from collections.abc import Mapping
from typing import Any

_KILLED = 137
"""What a shell, and tini, make of SIGKILL (128 + 9)."""

_GB = 2**30


def why(record: Mapping[str, Any]) -> str:
    """Why the container of this record ended, in a sentence or two."""
    state = record["State"]
    code = state["ExitCode"]
    if state.get("OOMKilled") and code in (_KILLED, 0):
        return (
            f"It needed more memory than {_limit(record)}, and was ended. A larger profile has "
            "more; or work on less data at a time."
        )
    if code == 0:
        return "It ended by itself."
    if code == _KILLED:
        return "It was killed from outside."
    return f"It ended by itself with exit code {code}."


def lost(record: Mapping[str, Any]) -> str:
    """What a container that runs has lost for want of memory; empty for nothing."""
    if not record["State"].get("OOMKilled"):
        return ""
    return (
        f"A program in this server, such as a notebook's kernel, needed more memory than "
        f"{_limit(record)}, and was ended. Start that program again, or stop the server and start "
        "it with a larger profile."
    )


def _limit(record: Mapping[str, Any]) -> str:
    memory = (record.get("HostConfig") or {}).get("Memory") or 0
    return f"the {memory / _GB:g} GB of its profile" if memory else "there was"
