"""Brings back what was backed up: everything, the hub, people's homes, one file.

What is replaced is kept until all is well. Whatever interrupts it, the same command again goes on:
what happens is written down in the volumes themselves (`staging` of the image).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from docker.errors import DockerException

from jhub_docker import engine
from jhub_docker.asking import confirm
from jhub_docker.backup import container, plan
from jhub_docker.backup.container import Place
from jhub_docker.backup.plan import Item
from jhub_docker.catalog.identity import LABEL
from jhub_docker.errors import ActionError, JhubDockerError, UsageError
from jhub_docker.platform import audit_log, before, chosen, containers, starting
from jhub_docker.platform.compose import MLFLOW, Platform
from jhub_docker.progress import say, stage
from jhub_docker.table import counted

HOME = PurePosixPath("/home/nebula")
"""Where people know their home, in their servers."""

WORKER = f"{LABEL}.backup"
"""Label of the container that does the work."""


@dataclass(frozen=True)
class Wanted:
    """What is to come back: everything by default; `path` is within the home of one person.

    `at` is a run, a snapshot or the beginning of a time; `of` the platform that was backed up.
    """

    hub: bool = False
    people: Sequence[str] = ()
    path: str = ""
    at: str = ""
    of: str = ""


def restore(root: Path, place: Place, wanted: Wanted, *, servers: bool, assume_yes: bool) -> str:
    """Restore what is wanted; what to tell. Raises UsageError while somebody works in it."""
    wanted = checked(wanted)
    with chosen.held(root) as platform:
        if wanted.hub or not wanted.people:
            before.require_none_under_way(platform)
        planned, renamed = plan_for(platform, place, wanted)
        path = wanted.path
        running = [] if path else working_in(planned)
        if running and not servers:
            raise UsageError(
                f"somebody works in {', '.join(running)}: stop these servers first, or say "
                "--servers to have them stopped"
            )
        confirm(f"This restore\n{plan.told(planned, path)}", assume_yes=assume_yes)
        said = _said(platform, planned, path)
        with stage("restoring"), audit_log.telling(platform, "restore", **said):
            if path:
                return _file(platform, place, planned, path)
            return _volumes(platform, place, planned, renamed, servers=servers)


def checked(wanted: Wanted) -> Wanted:
    """The same with a clean path; raises UsageError for one that leads elsewhere."""
    if not wanted.path:
        return wanted
    if len(wanted.people) != 1 or wanted.hub:
        raise UsageError("--path is within one home: name its person with --user")
    path = HOME / wanted.path
    inside = path.parts[len(HOME.parts) :]
    if not path.is_relative_to(HOME) or ".." in inside or not inside:
        raise UsageError(f"--path is {wanted.path!r}; expected one within the home")
    return replace(wanted, path="/".join(inside))


def plan_for(
    platform: Platform, place: Place, wanted: Wanted, *, asked: Platform | None = None
) -> tuple[list[Item], dict[str, str]]:
    """What goes into which volume, and what volumes' names in the database become.

    `asked` is the platform whose backups these are, where that is another one.
    """
    asked = asked or platform
    # Looked at first: to ask, Compose makes the volumes that the file declares.
    there = containers.volume_labels()
    found = plan.of_platform(
        container.ask(asked, place, "snapshots")["snapshots"], asked.project, wanted.of
    )
    chosen_ = plan.of_hub(found, wanted.at) if wanted.hub else []
    chosen_ += plan.of_people(found, wanted.people, wanted.at)
    if not wanted.hub and not wanted.people:
        chosen_ = plan.everything(found, wanted.at)
    then = now = platform.hub_environment
    if hubs := [one for one in found if one["kind"] == plan.HUB]:
        then = container.ask(asked, place, "manifest", snapshot=hubs[-1]["id"])["variables"]
    # A database that comes alone has to know homes and groups' folders as they are called here.
    named = plan.names(found, platform.data_volume, then, now)
    planned = plan.items(chosen_, there, platform.project, named)
    return planned, named | {one.snapshot["volume"]: one.volume for one in planned}


def working_in(planned: Sequence[Item]) -> list[str]:
    """The servers that run with one of the homes."""
    homes = [one.volume for one in planned if one.kind not in (plan.HUB, plan.SPACES)]
    holders = [one for home in homes for one in engine.api().containers(filters={"volume": home})]
    # People choose a server's name, not its labels.
    return sorted({containers.name(one) for one in holders if WORKER not in one["Labels"]})


def make(planned: Sequence[Item]) -> None:
    """Make the volumes that are not there."""
    for one in planned:
        if not one.exists:
            engine.api().create_volume(one.volume, labels=dict(one.labels))


def _file(platform: Platform, place: Place, planned: Sequence[Item], path: str) -> str:
    if len(planned) != 1:
        names = ", ".join(one.snapshot["volume"] for one in planned)
        raise UsageError(f"there are several homes: name one of the volumes {names} with --user")
    if not planned[0].exists:
        raise UsageError(f"the home {planned[0].volume} is not there: restore it as a whole")
    items = [one.request() for one in planned]
    kept = container.ask(platform, place, "file", items=items, path=path)["kept"]
    beside = f" What was there is {kept} now." if kept else ""
    return f"{path} is back.{beside}"


def _volumes(
    platform: Platform,
    place: Place,
    planned: Sequence[Item],
    renamed: dict[str, str],
    *,
    servers: bool,
) -> str:
    ask = partial(container.ask, platform, place, items=[one.request() for one in planned])
    with_hub = any(one.kind == plan.HUB for one in planned)
    make(planned)
    ask("stage", renamed=renamed)
    hub_ran = containers.runs(platform, *platform.hubs)
    halted = [*platform.hubs] if with_hub and hub_ran else []
    if MLFLOW in platform.services and any(one.kind == plan.SPACES for one in planned):
        halted.append(MLFLOW)
    if halted:
        platform.checked("stop", *halted)
    for server in working_in(planned) if servers else ():
        containers.remove(server, stop=True)
    if came := working_in(planned):
        if halted:
            platform.checked("start", *halted)
        raise ActionError(
            f"{', '.join(came)} started meanwhile, and nothing was replaced: stop it and run this "
            "again, which goes on from here"
        )
    ask("place")
    if with_hub and hub_ran:
        try:
            before.bring_over(platform)
            starting.bring_up(platform)
        except (JhubDockerError, DockerException, OSError) as error:
            say("the restored hub does not come up: putting back what was there")
            platform.compose("stop", *platform.hubs)
            ask("back")
            starting.bring_up(platform)
            raise ActionError(
                f"the restored hub does not come up, and what was there is back: {error}"
            ) from None
    elif halted:
        platform.checked("start", *halted)
    ask("finish")
    told = f"{counted(len(planned), 'volume is', 'volumes are')} restored."
    if beside := [one for one in planned if one.beside and not with_hub]:
        names = ", ".join(one.volume for one in beside)
        told += f" Give {names} to its person on the page Homes: another home has its old name."
    return told if hub_ran else f"{told} Start the platform: ./dev invoke up"


def _said(platform: Platform, planned: Sequence[Item], path: str) -> dict[str, Any]:
    """What the audit log's entry says of a restore; the log until now is kept first.

    A restored hub brings an older log back with all the rest: where the one until then ended is
    said by the entry.
    """
    said: dict[str, Any] = {"path": path} if path else {}
    said["volumes"] = [one.volume for one in planned]
    said["people"] = sorted({one.snapshot["person"] for one in planned} - {""})
    entries = []
    if any(one.kind == plan.HUB and one.exists for one in planned):
        try:
            entries = audit_log.show(platform)
        except (JhubDockerError, ValueError) as error:
            say(f"The audit log until now could not be kept: {error}")
    if not entries:
        return said
    last = entries[-1]
    file = platform.root / ".dev" / "audit" / f"until-{last['n']}.jsonl"
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(one)}\n" for one in entries), encoding="utf-8")
    file.chmod(0o600)
    say(f"The audit log until now is kept in {file}")
    return said | {"log_ended_at": f"{last['n']}:{last['hash']}"}
