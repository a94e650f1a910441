"""The platform's audit log, which the hub keeps: shown, verified, and told what tasks have done.

The hub's image reads and writes its files, in the hub's container or, while there is none, in one
that is made for it: an entry is never lost because the hub is down.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jhub_docker.errors import ActionError, UsageError, failure
from jhub_docker.platform import containers
from jhub_docker.platform.compose import HUB, Platform
from jhub_docker.process import Ended
from jhub_docker.progress import say
from jhub_docker.table import counted


def show(platform: Platform, **filters: str) -> list[dict[str, Any]]:
    """The entries that fit, the oldest first: by `user`, `what`, `since`, `tail`."""
    options = [f"--{name}={value}" for name, value in filters.items() if value]
    ended = _run(platform, "show", *options)
    if ended.code:
        raise failure(ended.code, ended.tail())
    return [json.loads(line) for line in ended.out.splitlines() if line.startswith("{")]


def verify(platform: Platform, noted: str = "") -> str:
    """What was found to be sound. Raises ActionError that names the first broken line."""
    ended = _run(platform, "verify", *([f"--noted={noted}"] if noted else []))
    if not ended.out.strip().startswith("{"):
        raise failure(ended.code, ended.tail())
    said = json.loads(ended.out)
    entries, broken = counted(said["entries"], "entry", "entries"), said["broken"]
    if broken:
        raise ActionError(f"the audit log is broken: {broken}. {entries} before it as written then")
    return (
        f"{entries}, each as it was written. Note the last one elsewhere, and give it to the next "
        "verification with --noted, which then sees an end that was cut off:\n"
        f"{said['last']}"
    )


def tell(platform: Platform, what: str, *, result: str = "ok", **more: Any) -> None:
    """Write that this operator did `what`; where that cannot be, it is said and fails nothing."""
    try:
        words = (f"--result={result}", f"--more={json.dumps(more)}")
        _run(platform, "write", what, *words).require()
    except (ActionError, UsageError, OSError) as error:
        say(f"Not in the audit log: {error}")


@contextmanager
def telling(platform: Platform, what: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Meanwhile `what` is done; write that, also when it fails or is interrupted.

    What is put into the dictionary is told too; a `result` in it is one that is not simply well.
    """
    said: dict[str, Any] = {"result": "ok", **more}
    try:
        yield said
    except BaseException:
        tell(platform, what, **said | {"result": "failed"})
        raise
    tell(platform, what, **said)


def _run(platform: Platform, *arguments: str) -> Ended:
    """Run the hub's own command on its data volume."""
    if not containers.has_volume(platform.data_volume):
        raise ActionError("the platform has no data yet, and so no audit log")
    if containers.runs(platform, *platform.hubs):
        return platform.in_hub("audit", *arguments)
    platform.require_image(HUB)
    return platform.once(HUB, "audit", *arguments)
