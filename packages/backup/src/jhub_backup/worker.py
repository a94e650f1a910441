"""What is done in the worker: it has the volumes below `/volumes`, and the repository.

Each verb takes the request as the launcher wrote it, and returns what to answer.
"""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jhub_backup import address, hub_data, spaces, staging, status, volumes
from jhub_backup.comparison import compare
from jhub_backup.errors import BackupError
from jhub_backup.one_file import file, give
from jhub_backup.repository import STATE, VOLUMES, Request, each, existing, of_request
from jhub_backup.speech import say

STAGE = Path("/stage")


def backup(request: Request) -> dict[str, Any]:
    """Back the volumes up, and remember how that went where it was all of them."""
    # A part that succeeds says nothing of all the rest, which may have failed last night.
    whole = request["extent"] == volumes.WHOLE
    try:
        made = _backed_up(request)
    except BackupError as error:
        if whole:
            _remember(request, "backup", str(error))
        raise
    if whole:
        # What an append-only server keeps is told and no failure: the backup would be made again.
        _remember(request, "backup", "; ".join(made["wrong"]), made["kept"])
    return made


def _backed_up(request: Request) -> dict[str, Any]:
    """The hub's volume comes last: its snapshot lists the others, and completes the run."""
    repository = of_request(request)
    made = repository.open(make=True, anew=request.get("new_repository", False))
    repository.keep_key()
    repository.free_own_locks()
    STAGE.mkdir(exist_ok=True)
    found = {one["name"]: one for one in request["volumes"]}
    hub = next((one for one in found.values() if one["kind"] == volumes.HUB), None)
    copied: list[str] = []
    if hub:  # copied first: no home that it knows is made later than the others are listed
        source = hub_data.POSTGRES if request.get("postgres") else hub_data.NAME
        copied = each([hub], lambda one: _copy_database(VOLUMES / one["name"] / source))
    ids, damaged = dict[str, str](), list[str]()
    when = request["manifest"]["time"][:19].replace("T", " ")

    def one(volume: volumes.Volume) -> str:
        paths, more = [str(VOLUMES / volume["name"])], [request["extent"]]
        if staging.is_halfway(VOLUMES / volume["name"]):
            raise BackupError("a restore into it was interrupted: run that again first")
        excluded = _left_out(volume, paths[0])
        if volume["kind"] == volumes.SPACES:
            damaged.extend(spaces.copy(Path(paths[0])))
            paths.append(str(spaces.STAGE))
        if volume["kind"] == volumes.HUB:
            paths.append(str(STAGE))
            manifest = {**request["manifest"], "volumes": list(found.values()), "homes": dict(ids)}
            (STAGE / "platform.json").write_text(json.dumps(manifest, indent=2), "utf-8")
            if wrong:
                more.append(volumes.INCOMPLETE)
        tags = volumes.tags(volume, request["run"], *more)
        snapshot, unreadable = repository.backup(paths, tags, when, excluded)
        ids[volume["name"]] = snapshot
        if unreadable:
            repository.mark_incomplete(snapshot)
            others = f" and {len(unreadable) - 1} more" if unreadable[1:] else ""
            return f"{volume['name']}: {unreadable[0]}{others} cannot be read"
        return ""

    def told(volume: volumes.Volume) -> str:
        try:
            return one(volume)
        except BackupError as error:
            return f"{volume['name']}: {error}"

    wrong = copied
    wrong += each([one for one in found.values() if one["kind"] != volumes.HUB], told)
    if hub and not copied:
        wrong += each([hub], told)
    there = {one["id"][: len(short)] for one in repository.snapshots() for short in ids.values()}
    missing = [name for name, short in ids.items() if short not in there]
    marked = {name for name in ids for said in wrong if said.startswith(f"{name}: ")}
    wrong += [f"{name}: its snapshot is not in the repository" for name in {*missing} - marked]
    forgotten, left = 0, ""
    if request.get("keep") and not wrong:
        forgotten, left = repository.forget(request["keep"], request["extent"])
    if kept := "; ".join(filter(None, [*damaged, left])):
        say(kept)
    return {
        "run": request["run"],
        "made": made,
        "snapshots": [name for name in ids if name not in missing],
        "wrong": wrong,
        "forgotten": forgotten,
        "kept": kept,
    }


def _left_out(volume: volumes.Volume, top: str) -> list[str]:
    """What of a volume is in no snapshot, or is there as a copy."""
    left = [staging.PLACE]
    if volume["kind"] == volumes.HUB:
        left += [f"{hub_data.NAME}{end}" for end in ("", "-journal", "-wal", "-shm")]
        left.append(hub_data.POSTGRES)
    if volume["kind"] == volumes.SPACES:
        left.append(f"*/{spaces.DATABASE}*")
    return [f"{top}/{one}" for one in left]


def _remember(request: Request, what: str, wrong: str, warning: str = "") -> None:
    to, own = address.shown(request["to"]), request.get("own", True)
    status.write(STATE, what, wrong, warning, to=to, own=own)


def _copy_database(database: Path) -> str:
    hub_data.copy(database, STAGE / "database")
    return ""


def snapshots(request: Request) -> dict[str, Any]:
    """What the repository has, and how the last tries went."""
    known = status.read(STATE, address.shown(request["to"]))
    return {"snapshots": existing(request).snapshots(), "status": known}


def manifest(request: Request) -> Any:
    """What a snapshot of the hub says of its platform."""
    target = Path("/tmp/platform.json")  # noqa: S108 - the container's own
    if not existing(request).dump(request["snapshot"], f"{STAGE}/platform.json", target):
        raise BackupError(f"the snapshot {request['snapshot'][:8]} is no hub's")
    return json.loads(target.read_text("utf-8"))


def stage(request: Request) -> None:
    """Restore each volume beside what is there, and read it back; nothing is replaced."""
    repository = existing(request)
    for item in request["items"]:
        say(f"restoring {item['source']} of {item['time'][:19]}")
        volume = VOLUMES / item["volume"]
        if not staging.begin(volume, item["snapshot"]):  # by a call that was interrupted later
            continue
        with staging.folder(volume) as folder:  # its person may be working
            fetched = folder / "fetched"
            repository.restore(item["snapshot"], fetched)
            restored = fetched / "volumes" / item["source"]
            if item["kind"] == volumes.HUB:
                database = fetched / "stage" / "database" / hub_data.NAME
                hub_data.fit(database, request.get("renamed", {}))
                database.rename(restored / hub_data.NAME)
            if item["kind"] == volumes.SPACES:
                spaces.put_back(fetched, restored)
            staging.ready(volume, restored)


def place(request: Request) -> None:
    """Put what was restored in the place of what is there, which is kept."""
    for item in request["items"]:
        if staging.state(VOLUMES / item["volume"]) != staging.PLACED:
            staging.place(VOLUMES / item["volume"])


def finish(request: Request) -> None:
    """Remove what was kept."""
    for item in request["items"]:
        staging.finish(VOLUMES / item["volume"])


def back(request: Request) -> None:
    """Put back what was there before."""
    for item in request["items"]:
        staging.back(VOLUMES / item["volume"])


def verify(request: Request) -> dict[str, Any]:
    """Read data back, open the newest database, and look for all that its backup names."""
    repository = existing(request)
    repository.free_own_locks()
    try:
        say(f"reading {request['part'] or 'all'} of the repository back")
        repository.check(request["part"])
        found = repository.snapshots()
        hubs = [one for one in found if one["kind"] == volumes.HUB]
        said: dict[str, Any] = {"snapshots": len(found), "database": "", "missing": []}
        if hubs:
            newest = hubs[-1]
            target = Path("/tmp/verified.sqlite")  # noqa: S108 - the container's own
            if repository.dump(newest["id"], f"{STAGE}/database/{hub_data.NAME}", target):
                hub_data.check(target)
                said["database"] = newest["time"]
            run = {one["volume"] for one in found if one["run"] == newest["run"]}
            listed = manifest({**request, "snapshot": newest["id"]})["homes"]
            said["missing"] = sorted({*listed} - run)
            if said["missing"]:
                raise BackupError(f"the backup {newest['run']} lacks {', '.join(said['missing'])}")
    except BackupError as error:
        _remember(request, "verify", str(error))
        raise
    _remember(request, "verify", "")
    return said


def drilled(request: Request) -> None:
    """Remember how a drill went."""
    _remember(request, "drill", request["wrong"])


def rekey(request: Request) -> str:
    """Give the repository another key."""
    repository = existing(request)
    repository.free_own_locks()
    repository.renew_key()
    return ""


VERBS: Mapping[str, Callable[[Request], Any]] = {
    verb.__name__: verb
    for verb in (
        *(backup, snapshots, manifest, stage, place, finish, back, file, give),
        *(compare, verify, drilled, rekey),
    )
}


def main(file_: Path = Path("/request.json")) -> Any:
    """Carry out the request in this file, which is gone afterwards."""
    request = json.loads(file_.read_text("utf-8"))
    file_.unlink()
    os.environ.update(request.pop("credentials", {}))
    shutil.rmtree(STAGE, ignore_errors=True)
    return VERBS[request["do"]](request)
