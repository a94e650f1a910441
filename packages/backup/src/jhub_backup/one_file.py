"""Puts one file or folder of a home back, while its person may be working."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jhub_backup import volumes
from jhub_backup.errors import BackupError
from jhub_backup.hub_data import as_owner
from jhub_backup.repository import VOLUMES, Repository, Request, existing

PUT = """
import itertools, json, os, shutil, subprocess, sys
target, aside, beside = json.loads(sys.argv[1])
folder, name = os.path.split(target)
os.makedirs(folder, exist_ok=True)
unfinished = target + (aside or beside) + ".new"
os.mkdir(unfinished)
try:
    subprocess.run(["tar", "-xpf", "-", "-C", unfinished], check=True)
    source = os.path.join(unfinished, name)
    if aside:
        if os.path.lexists(target):
            os.rename(target, target + aside)
        os.rename(source, target)
    for number in itertools.count(1) if beside else ():
        place = target + beside + (f"-{number}" if number > 1 else "")
        try:  # neither takes the place of anything, whoever writes there meanwhile
            if os.path.isdir(source) and not os.path.islink(source):
                os.mkdir(place)
                os.rename(source, place)
            else:
                os.link(source, place, follow_symlinks=False)
        except FileExistsError:
            continue
        print(os.path.basename(place))
        break
finally:
    shutil.rmtree(unfinished, ignore_errors=True)
"""
"""Run as the owner of a home, who can read all that is in it, but not what is still root's."""


def file(request: Request) -> dict[str, Any]:
    """Put one file or folder of a snapshot back; what is there now stays beside it."""
    (item,) = request["items"]
    path, volume = request["path"], VOLUMES / item["volume"]
    replaced = os.path.lexists(volume / path)
    aside = time.strftime(".before-restore-%Y%m%d-%H%M%S", time.gmtime())
    _put(existing(request), item, item["source"], path, aside=aside)
    return {"kept": f"{path}{aside}" if replaced else ""}


def give(request: Request) -> dict[str, Any]:
    """Put one file or folder beside what is there, as the newest backup of a night has it.

    Only backups of the very home count: a newcomer's volume may have the name of somebody's before.
    """
    repository = existing(request)
    (item,), night = request["items"], request["night"]
    found = [
        one
        for one in repository.snapshots()
        if (one["platform"], one["volume"]) == (request["platform"], item["volume"])
        and one["labels"].get(volumes.WORD, "") == item["word"]
        and one["time"].startswith(night)
    ]
    if not found:
        raise BackupError(f"there is no backup of this home{night and ' of '}{night}", 2)
    newest = ([one for one in found if one["complete"]] or found)[-1]
    chosen = {**item, "snapshot": newest["id"], "time": newest["time"]}
    beside = f".from-{newest['time'][:10]}"
    name = _put(repository, chosen, item["volume"], request["path"], beside=beside)
    return {"name": name, "time": newest["time"]}


def _put(
    repository: Repository,
    item: Request,
    source: str,
    path: str,
    *,
    aside: str = "",
    beside: str = "",
) -> str:
    """Put a file of a snapshot in its place, or with `beside` at its end next to it; its name.

    A server may be running, and its person may put links anywhere: so it is copied with the
    rights of the home's owner, who can write nothing else here.
    """
    inside = f"/volumes/{source}/{path}"
    fetched = Path("/tmp/fetched")  # noqa: S108 - the container's own
    repository.restore(item["snapshot"], fetched, _literal(inside))
    found = fetched / inside.lstrip("/")
    if not os.path.lexists(found):
        raise BackupError(f"the snapshot of {item['time'][:19]} has no {path}", 2)
    volume = VOLUMES / item["volume"]
    pack = subprocess.Popen(
        ["tar", "-cf", "-", "-C", str(found.parent), f"./{found.name}"], stdout=subprocess.PIPE
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", PUT, json.dumps([str(volume / path), aside, beside])],
        stdin=pack.stdout,
        **as_owner(volume.stat()),
        capture_output=True,
        text=True,
        check=False,
    )
    if pack.wait() or ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise BackupError(f"{path} cannot be put back: {said[-1]}")
    return str(ended.stdout).strip()


def _literal(path: str) -> str:
    """A path as a pattern that means itself."""
    return "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in path)
