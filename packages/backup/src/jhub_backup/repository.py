"""Calls restic, and believes what the repository holds rather than an exit code.

The address and the credentials go by environment, the password by a file: nothing is an argument.
"""

import contextlib
import json
import os
import secrets
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

from jhub_backup import address, volumes
from jhub_backup.errors import BackupError
from jhub_backup.secret_file import write_secret
from jhub_backup.speech import say

STATE = Path("/srv/backup")
FOLDER = "/repository"
"""Where the worker has a repository that is a folder."""

SIDE_BY_SIDE = 2
"""Volumes backed up at a time: for each restic first derives its key, which takes one CPU."""

VOLUMES = Path("/volumes")
"""Where the worker has the volumes."""

Line = dict[str, Any]
Request = Mapping[str, Any]
"""What the worker is asked for, as the launcher wrote it."""


class Repository:
    """One repository of restic; `to` is its address as the operator says it."""

    def __init__(self, to: str, host: str, password: str = "") -> None:
        """`host` is the platform's name; `password` is for a repository made elsewhere."""
        address.require(to)
        self.to, self.shown, self.host = to, address.shown(to), host
        self.key = STATE / "password"
        if password and (not self.key.exists() or self.key.read_text("ascii").strip() != password):
            self.key = Path("/tmp/password")  # noqa: S108 - the container's own
            write_secret(self.key, password)
        local = to.startswith("/")
        self.environment = {
            **os.environ,
            "RESTIC_REPOSITORY": FOLDER if local else address.with_login(to, os.environ),
            "RESTIC_PASSWORD_FILE": str(self.key),
            "RESTIC_CACHE_DIR": str(STATE / "cache"),
            "RESTIC_PROGRESS_FPS": "0.0001",
        }

    def open(self, *, make: bool = False, anew: bool = False) -> bool:
        """Make sure that the repository is there and its password fits; True if it was made now.

        One that was there before and is gone is not made again unless `anew` says so: the disk may
        not be mounted.
        """
        address.require_reachable(self.to)
        if address.is_folder(self.to) and not Path(FOLDER).is_dir():
            raise BackupError(f"{self.to} is a file; expected a folder of the engine's machine", 2)
        ended = self._run("cat", "config", "--no-lock") if self.key.exists() else None
        if ended and ended.returncode == 0:
            self._remember(json.loads(ended.stdout)["id"])
            return False
        said = ended.stderr if ended else ""
        if ended and "wrong password" in said:
            raise BackupError(
                f"the key does not open the repository {self.shown}: give the one it was made with "
                "(--key-file), or choose another place"
            )
        if ended and not _is_missing(said):
            raise BackupError(f"the repository {self.shown} cannot be used: {_last(said)}")
        if remembered(self.to).exists() and not anew:
            raise BackupError(
                f"the repository {self.shown} was there before and is gone: is its disk mounted? "
                "--new-repository makes a new one there"
            )
        if not make:
            raise BackupError(
                f"there is no repository at {self.shown}, or its key is not here (--key-file)"
            )
        if not self.key.exists():
            write_secret(self.key, secrets.token_urlsafe(32))
        self.checked("init")
        ended = self._run("cat", "config", "--no-lock")
        self._remember(json.loads(ended.stdout)["id"])
        return True

    def keep_key(self) -> None:
        """The password that was given opened the repository: from now on it is this platform's."""
        own = STATE / "password"
        if self.key != own and not own.exists():
            write_secret(own, self.key.read_text("ascii"))

    def renew_key(self) -> None:
        """Give the repository another key in place of the one that is used."""
        # Kept before it is added: interrupted anywhere, one of the two files opens it, and which
        # keys are still to be removed is known.
        anew, due = self.key.with_name("password.new"), self.key.with_name("password.replaced")
        replaced = set(due.read_text("ascii").split()) if due.exists() else set()
        write_secret(anew, secrets.token_urlsafe(32))
        self.checked("key", "add", "--new-password-file", str(anew))
        listed = json.loads(self.checked("key", "list", "--json"))
        replaced |= {one["id"] for one in listed if one["current"]}
        write_secret(due, "\n".join(replaced))
        anew.replace(self.key)
        for one in sorted(replaced & {one["id"] for one in listed}):
            self.checked("key", "remove", one)
        due.unlink()

    def _remember(self, identity: str) -> None:
        with contextlib.suppress(OSError):  # where this is read only it was remembered before
            remembered(self.to).parent.mkdir(exist_ok=True)
            remembered(self.to).write_text(identity, "ascii")

    def free_own_locks(self) -> None:
        """Remove locks that a killed worker of this platform left.

        Only one worker of a platform and engine is at work: a lock with our name is nobody's.
        """
        listed = self._run("list", "locks", "--no-lock").stdout.split()
        owners = set()
        for lock in listed:
            with contextlib.suppress(ValueError, KeyError):
                owners.add(
                    json.loads(self._run("cat", "lock", lock, "--no-lock").stdout)["hostname"]
                )
        if listed:
            self._run("unlock", *(["--remove-all"] if owners == {socket.gethostname()} else []))

    def backup(
        self, paths: Sequence[str], tags: Sequence[str], when: str, excluded: Sequence[str] = ()
    ) -> tuple[str, list[str]]:
        """Make a snapshot as of `when`, in UTC: its id, and the files that could not be read.

        Raises BackupError when there is none; a file that went while it was read is no fault.
        """
        unreadable: list[str] = []
        summary: Line = {}
        command = ["backup", "--json", "--host", self.host, "--time", when]
        for tag in tags:
            command += ["--tag", tag]
        for pattern in excluded:
            command += ["--exclude", pattern]
        ended = self._run(*command, *paths)
        for text in ended.stdout.splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(text)
                summary = entry if entry.get("message_type") == "summary" else summary
        for text in ended.stderr.splitlines():
            with contextlib.suppress(ValueError):
                entry = json.loads(text)
                if entry.get("message_type") == "error" and not _vanished(entry):
                    unreadable.append(str(entry.get("item")))
        if not summary.get("snapshot_id") or ended.returncode not in (0, 3):
            raise BackupError(f"{_last(ended.stderr) or f'restic ended with {ended.returncode}'}")
        return str(summary["snapshot_id"]), unreadable

    def mark_incomplete(self, snapshot: str) -> None:
        """Let everybody see that a snapshot lacks files."""
        self.checked("tag", "--add", volumes.INCOMPLETE, snapshot)

    def dump(self, snapshot: str, path: str, target: Path) -> bool:
        """Write one file of a snapshot to `target`; False when the snapshot has none there."""
        with target.open("wb") as file:
            ended = subprocess.run(
                ["restic", "dump", "--no-lock", snapshot, path],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.PIPE,
                check=False,
            )
        if ended.returncode and b"not found in snapshot" not in ended.stderr:
            raise BackupError(
                f"{path} of the snapshot {snapshot[:8]} cannot be read: "
                f"{_last(ended.stderr.decode(errors='replace'))}"
            )
        return ended.returncode == 0

    def snapshots(self) -> list[dict[str, Any]]:
        """The snapshots of this platform's and others' volumes, the oldest first."""
        listed = json.loads(self.checked("snapshots", "--json", "--no-lock") or "null") or []
        found = [volumes.described(one) for one in listed]
        return sorted((one for one in found if one["volume"]), key=lambda one: one["time"])

    def restore(self, snapshot: str, target: Path, path: str = "") -> None:
        """Write a snapshot's files below `target`, and read them back."""
        ended = self._run(
            *("restore", snapshot, "--no-lock", "--verify", "--target", str(target)),
            *(["--include", path] if path else []),
        )
        if ended.returncode or "There were" in ended.stderr:
            raise BackupError(
                f"the snapshot {snapshot[:8]} cannot be restored: {_last(ended.stderr)}"
            )

    def files(self, snapshot: str) -> Iterator[Line]:
        """The files of a snapshot, with owner, mode, size and time."""
        for text in self.checked("ls", "--json", "--no-lock", snapshot).splitlines():
            entry = json.loads(text)
            if entry.get("struct_type") == "node":
                yield entry

    def check(self, part: str) -> None:
        """Read data back: all, or a part such as `10%`. Raises BackupError with what is bad."""
        ended = self._run("check", f"--read-data-subset={part}" if part else "--read-data")
        if ended.returncode or "no errors were found" not in ended.stdout:
            said = [*ended.stdout.splitlines(), *ended.stderr.splitlines()]
            bad = [line for line in said if "error" in line.lower() or "Fatal" in line]
            raise BackupError("the repository is damaged: " + "; ".join(bad[:5] or said[-3:]))

    def forget(self, keep: Mapping[str, str], tag: str) -> tuple[int, str]:
        """Remove what `keep` does not name of those with a tag: how many went, and what did not.

        Of whole runs all or none goes, since their snapshots have one time: a later one of a part
        would otherwise count instead of theirs, and a home be missing in the run that is restored.
        An append-only server answers 403 to that; restic ends with 0, or with 1 and does not say
        what it meant to remove (both seen with 0.14).
        """
        flags = [f"--tag={tag}", *(f"--keep-{period}={count}" for period, count in keep.items())]
        select = ("--host", self.host, "--group-by=host,paths", *flags)
        planned = self._run("forget", "--dry-run", "--json", *select)
        if planned.returncode:
            return 0, f"what is due is still there: {_last(planned.stderr)}"
        groups = json.loads(planned.stdout.partition("\n")[0] or "null") or []
        meant = {one["id"] for group in groups for one in group["remove"] or ()}
        if not meant:
            return 0, ""
        ended = self._run("forget", *meant)
        if left := meant & {one["id"] for one in self.snapshots()}:
            return len(meant) - len(left), (
                f"{len(left)} snapshots that are due are still there: {_last(ended.stderr)}; an "
                "append-only server keeps them, and is then to be pruned at its own side"
            )
        pruned = self._run("prune")
        if pruned.returncode or "unable to remove" in pruned.stderr:
            return len(meant), f"their data is still there: {_last(pruned.stderr)}"
        return len(meant), ""

    def checked(self, *arguments: str) -> str:
        """Run restic; its output. Raises BackupError with its last words."""
        ended = self._run(*arguments)
        if ended.returncode:
            raise BackupError(f"restic {arguments[0]} failed: {_last(ended.stderr)}")
        return ended.stdout

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["restic", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )


def remembered(to: str) -> Path:
    """The file that says that a repository was there once."""
    name = "".join(sign if sign.isalnum() else "_" for sign in to.partition("?")[0])
    return STATE / "repositories" / name


def of_request(request: Request) -> Repository:
    """The repository that a request is about."""
    return Repository(request["to"], request["platform"], request.get("password", ""))


def existing(request: Request) -> Repository:
    """The same, opened. Raises BackupError where there is none, or none that can be used."""
    repository = of_request(request)
    repository.open()
    repository.keep_key()
    return repository


def each(items: Sequence[Any], act: Callable[[Any], str]) -> list[str]:
    """Do something to each, some side by side, whatever becomes of the others; what went wrong."""

    def one(item: Any) -> str:
        try:
            said = act(item)
        except (BackupError, OSError) as error:
            said = str(error)
        if said:
            say(said)
        return said

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        return [said for said in pool.map(one, items) if said]


def _is_missing(said: str) -> bool:
    signs = ("no such file", "does not exist", "404", "NoSuchKey", "NoSuchBucket", "key not found")
    return any(sign in said for sign in signs)


def _vanished(entry: Line) -> bool:
    return "no such file or directory" in json.dumps(entry.get("error"))


def _last(said: str) -> str:
    """What restic says last, or why: before it are its attempts, behind it may be Go's stack, whose
    places are indented, each below its function.
    """
    pairs = pairwise([*said.splitlines(), ""])
    lines = [one.strip() for one, below in pairs if "\t" not in one[:1] + below[:1]]
    lines = [one for one in lines if one]
    fatal = [line for line in lines if line.startswith("Fatal: ")]
    return (fatal or lines or [""])[-1].removeprefix("Fatal: ")
