"""What the hub asks for, and what its audit log is to say: files in a volume that both have.

Without a hub that has made the folders there is nothing to do. Whoever has taken over a hub gets no
more by asking than people get: what was backed up of a home, beside what is in that very home. The
folders are the hub's, so no link is followed in them, and nothing in them is waited for.
"""

import io
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from jhub_backup import launcher, volumes
from jhub_backup.errors import BackupError, BusyError
from jhub_backup.speech import say

FOLDER = Path("/srv/desk")

SHOW_EVERY = 30
"""Seconds; the hub believes it for some minutes."""

AT_ONCE = 20
"""Wishes that are answered before the clock is looked at again."""

MOST_BYTES = 2**16
"""Of a wish."""

CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

SERVICE = "service backup"
"""Who backs up by the schedule, in the audit log."""

Entry = dict[str, Any]


def tell(what: str, result: str, folder: Path = FOLDER, **more: Any) -> None:
    """Have the audit log say that this service did something; no backup fails for it."""
    _write(folder, f"{time.time_ns()}", {"what": what, "who": SERVICE, "result": result, **more})


def attend(folder: Path = FOLDER) -> None:
    """Show for ever that somebody answers, if later: a backup takes its time."""
    while True:
        show(folder)
        time.sleep(SHOW_EVERY)


def show(folder: Path) -> None:
    """Show that somebody answers."""
    with suppress(OSError), _opened(folder / "told", os.O_DIRECTORY) as told:
        served = os.open("served", os.O_WRONLY | os.O_CREAT | CAREFULLY, 0o644, dir_fd=told)
        with os.fdopen(served):
            os.utime(served)


def serve(environ: Mapping[str, str], folder: Path = FOLDER) -> None:
    """Answer what is asked for, one after the other; after some it may be time for a backup."""
    for file in sorted((folder / "wishes").glob("[!.]*.json"))[:AT_ONCE]:
        if (folder / "told" / file.name).exists():
            continue  # the hub has not read the answer yet
        try:
            wish = json.loads(_text(file))
            known = {key: str(wish[key]) for key in ("who", "on", "volume", "path", "night")}
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue  # one that is being taken back, or no wish
        say(f"{known['who']} asks for {known['path']} of {known['on']}")
        try:
            answer = _given(known, environ)
        except BusyError:
            return
        except BackupError as error:
            answer = {"result": "failed", "why": str(error)}
        except (DockerException, RequestException) as error:
            answer = {"result": "failed", "why": f"the engine: {error}"}
        _write(folder, file.stem, {"what": "home.file-given", **known, **answer})


def inside(path: str) -> str:
    """A path within a home, clean. Raises BackupError for any other. Pure."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\0" in path:
        raise BackupError(f"{path!r} is no path within a home", 2)
    return "/".join(parts)


def _given(wish: Mapping[str, str], environ: Mapping[str, str]) -> Entry:
    """Put the file there; what the audit log says of it. Raises BackupError."""
    path, name = inside(wish["path"]), wish["volume"]
    listing = docker.from_env(timeout=600).api.volumes()["Volumes"] or []
    ours = volumes.of_platform(listing, environ["JHUB_PLATFORM"], environ["JHUB_DATA_VOLUME"])
    found = [one for one in ours if one["name"] == name and one["kind"] == volumes.HOME]
    if not found:
        raise BackupError(f"there is no home {name}")
    said = io.StringIO()
    item = {"volume": name, "kind": volumes.HOME, "word": found[0]["labels"].get(volumes.WORD, "")}
    request = {"do": "give", "items": [item], "path": path, "night": wish["night"]}
    launcher.run(request, environ, said)
    answers: Entry = {}
    for line in said.getvalue().splitlines():
        with suppress(ValueError):
            answers |= json.loads(line)
    if "result" not in answers:
        raise BackupError(str(answers.get("error", "it ended without a word")))
    return {"result": "ok", "as_of": answers["result"]["time"], "name": answers["result"]["name"]}


@contextmanager
def _opened(path: Path, flags: int = 0) -> Iterator[int]:
    """What is really there, by its descriptor. Raises OSError for a link."""
    descriptor = os.open(path, os.O_RDONLY | CAREFULLY | flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _text(file: Path) -> str:
    """What a file says. Raises OSError for what is none, and ValueError."""
    with _opened(file) as descriptor:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"{file} is no file")
        return os.read(descriptor, MOST_BYTES).decode()


def _write(folder: Path, name: str, entry: Entry) -> None:
    """Complete from the moment it has its name."""
    with suppress(OSError), _opened(folder / "told", os.O_DIRECTORY) as told:
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        unfinished = f".{name}.new"
        with suppress(FileNotFoundError):  # of a service that was killed
            os.unlink(unfinished, dir_fd=told)
        made = os.open(
            unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | CAREFULLY, 0o644, dir_fd=told
        )
        with os.fdopen(made, "w", encoding="utf-8") as opened:
            opened.write(json.dumps({"at": now, **entry}))
        os.replace(unfinished, f"{name}.json", src_dir_fd=told, dst_dir_fd=told)
