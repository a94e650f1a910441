"""Puts one file or folder of a home back, while its person may be working."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from jhub_backup.errors import BackupError
from jhub_backup.hub_data import as_owner
from jhub_backup.repository import VOLUMES, Request, existing

PUT = """
import json, os, shutil, subprocess, sys
target, aside = json.loads(sys.argv[1])
folder, name = os.path.split(target)
os.makedirs(folder, exist_ok=True)
unfinished = target + aside + ".new"
os.mkdir(unfinished)
try:
    subprocess.run(["tar", "-xpf", "-", "-C", unfinished], check=True)
    if os.path.lexists(target):
        os.rename(target, target + aside)
    os.rename(os.path.join(unfinished, name), target)
finally:
    shutil.rmtree(unfinished, ignore_errors=True)
"""
"""Run as the owner of a home, who can read all that is in it, but not what is still root's."""


def file(request: Request) -> dict[str, Any]:
    """Put one file or folder of a snapshot back; what is there now stays beside it.

    A server may be running, and its person may put links anywhere: so it is copied with the
    rights of the home's owner, who can write nothing else here.
    """
    repository = existing(request)
    (item,) = request["items"]
    path = request["path"]
    inside = f"/volumes/{item['source']}/{path}"
    fetched = Path("/tmp/fetched")  # noqa: S108 - the container's own
    repository.restore(item["snapshot"], fetched, _literal(inside))
    source = fetched / inside.lstrip("/")
    if not os.path.lexists(source):
        raise BackupError(f"the snapshot of {item['time'][:19]} has no {path}", 2)
    volume = VOLUMES / item["volume"]
    target, owner = volume / path, volume.stat()
    replaced = os.path.lexists(target)
    aside = time.strftime(".before-restore-%Y%m%d-%H%M%S", time.gmtime())
    pack = subprocess.Popen(
        ["tar", "-cf", "-", "-C", str(source.parent), f"./{source.name}"], stdout=subprocess.PIPE
    )
    ended = subprocess.run(
        [sys.executable, "-I", "-c", PUT, json.dumps([str(target), aside])],
        stdin=pack.stdout,
        **as_owner(owner),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if pack.wait() or ended.returncode:
        said = ended.stderr.strip().splitlines() or ["no reason given"]
        raise BackupError(f"{path} cannot be put back: {said[-1]}")
    return {"kept": f"{path}{aside}" if replaced else ""}


def _literal(path: str) -> str:
    """A path as a pattern that means itself."""
    return "".join(f"\\{sign}" if sign in "*?[\\" else sign for sign in path)
