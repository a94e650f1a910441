"""Moves the hub's records to PostgreSQL or back. Servers go on; the hub is away meanwhile."""

from pathlib import Path

from jhub_docker.asking import confirm
from jhub_docker.engine.lock import locked
from jhub_docker.errors import UsageError, failure
from jhub_docker.platform import before, chosen, starting
from jhub_docker.platform.compose import HUB
from jhub_docker.platform.public_images import POSTGRES
from jhub_docker.progress import stage

TO = ("postgres", "sqlite")

BACK = (
    "The hub is stopped: take JHUB_DB_URL away (.env), then ./dev invoke up starts it with SQLite."
)


def move(root: Path, to: str, *, replace: bool, assume_yes: bool) -> str:
    """Move all records; what was done. Raises ActionError where nothing was, with the reason."""
    platform = chosen.read(root)
    if not platform.hub_environment.get(before.DB_URL):
        raise UsageError("JHUB_DB_URL is not set; expected the address of PostgreSQL's database")
    if replace:
        confirm(f"This throws away what is in {to} now.", assume_yes=assume_yes)
    before.require_none_under_way(platform)
    with locked(platform.project), stage(f"moving the hub's records to {to}"):
        if POSTGRES in platform.services:
            platform.checked("up", "--detach", "--wait", POSTGRES)
        flags = ["--replace"] * replace
        judged = platform.once(HUB, "movable", to, *flags)
        if judged.code:
            raise failure(judged.code, judged.tail(3))
        done = judged.out.strip()  # why there is nothing to move
        if not done:
            platform.checked("stop", *platform.hubs)
            ended = platform.once(HUB, "move", to, *flags)
            if ended.code:
                platform.compose("start", *platform.hubs)  # the containers that were there
                raise failure(ended.code, ended.tail(3))
            done = ended.out.strip()
        if to == "sqlite":
            return f"{done}\n{BACK}"
        return "\n".join([done, *starting.start(platform)])
