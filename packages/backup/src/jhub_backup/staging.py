"""Puts restored files in place of what is there, by renames alone: it can go on at any time.

All happens in one folder of the volume itself, `.jhub-restore`: `new` is what was restored, `old`
what was there. Its `state` says how far it is:

    (none)    `new` is being written, nothing was touched: begin again
    ready     `new` is complete and was read back
    emptying  what was there moves to `old`
    filling   `new` moves to its place
    placed    done; `old` is kept until somebody says `finish`, or `back`

A person may own the volume, so no link is followed: everything is done from folders that are open.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from jhub_backup.errors import BackupError

PLACE = ".jhub-restore"
READY, EMPTYING, FILLING, PLACED = "ready", "emptying", "filling", "placed"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def begin(volume: Path, snapshot: str) -> bool:
    """Make our folder for `snapshot`; False when an earlier call has restored that into it.

    What an interrupted restore of another snapshot had moved away goes back to its place.
    """
    if (now := state(volume)) and _read(volume, "snapshot") == snapshot:
        return False
    if now in (EMPTYING, FILLING):
        back(volume)
    finish(volume)
    (volume / PLACE).mkdir(mode=0o700)
    _write(volume, "snapshot", snapshot)
    return True


@contextlib.contextmanager
def folder(volume: Path) -> Iterator[Path]:
    """Our folder, by a path that stays its own whatever its person puts in place of its name."""
    with _opened(volume) as (_, here):
        yield Path(f"/proc/{os.getpid()}/fd/{here}")


def ready(volume: Path, restored: Path) -> None:
    """What was restored, a folder somewhere in ours, is complete."""
    with folder(volume) as here:
        restored.rename(here / "new")
    _write(volume, "state", READY)


def state(volume: Path) -> str:
    """How far a restore of this volume is; empty for none, or one that only began."""
    return _read(volume, "state")


def is_halfway(volume: Path) -> bool:
    """Whether a restore was interrupted while files were on their way: no time to back up."""
    return state(volume) in (EMPTYING, FILLING)


def place(volume: Path) -> None:
    """Move what is there away and what was restored in; also goes on with what was begun."""
    if (now := state(volume)) not in (READY, EMPTYING, FILLING):
        raise BackupError(f"nothing is ready to be put in place in {volume.name} ({now or 'none'})")
    with _opened(volume) as (top, here):
        if now != FILLING:
            _write(volume, "state", EMPTYING)
            _move_all(top, here, "old")
            _write(volume, "state", FILLING)
        _fill(top, here, "new")
    _write(volume, "state", PLACED)


def back(volume: Path) -> None:
    """Put back what was there before. Does nothing where nothing was moved."""
    now = state(volume)
    if now not in (EMPTYING, FILLING, PLACED):
        return
    with _opened(volume) as (top, here):
        # What is at the top is of the restored ones, but for what has not been moved away yet.
        if now != EMPTYING:
            _move_all(top, here, "undone")
        _fill(top, here, "old")
    finish(volume)


def finish(volume: Path) -> None:
    """Remove what was kept."""
    with contextlib.suppress(FileNotFoundError):
        found = os.lstat(volume / PLACE)
        if stat.S_ISDIR(found.st_mode):
            shutil.rmtree(volume / PLACE)  # follows no links: rmtree.avoids_symlink_attacks
        else:
            (volume / PLACE).unlink()


@contextlib.contextmanager
def _opened(volume: Path) -> Iterator[tuple[int, int]]:
    """The volume's folder and ours in it. Raises PermissionError for one that a person made."""
    top = os.open(volume, _FOLDER)
    try:
        here = os.open(PLACE, _FOLDER, dir_fd=top)
        try:
            if os.fstat(here).st_uid != os.geteuid():
                raise PermissionError(errno.EPERM, "it is not ours", f"{volume.name}/{PLACE}")
            yield top, here
        finally:
            os.close(here)
    finally:
        os.close(top)


def _read(volume: Path, name: str) -> str:
    with contextlib.suppress(OSError), _opened(volume) as (_, here):
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=here)
        with os.fdopen(descriptor, encoding="ascii", errors="replace") as file:
            return file.read().strip()
    return ""


def _write(volume: Path, name: str, text: str) -> None:
    with _opened(volume) as (_, here):
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        descriptor = os.open(f"{name}.new", flags, 0o600, dir_fd=here)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        os.rename(f"{name}.new", name, src_dir_fd=here, dst_dir_fd=here)
        os.fsync(here)


def _move_all(top: int, here: int, name: str) -> None:
    """Move all of the volume into our folder `name`, which keeps the owner and mode it had."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=here)
    target, was = os.open(name, _FOLDER, dir_fd=here), os.fstat(top)
    try:
        _same_folder(was, target)
        for entry in os.listdir(top):
            if entry != PLACE:
                _rename(entry, top, target)
        _same_folder(was, target)
    finally:
        os.close(target)


def _fill(top: int, here: int, name: str) -> None:
    """Move all of our folder `name` into the volume, which gets its owner and mode."""
    source = os.open(name, _FOLDER, dir_fd=here)
    try:
        for entry in os.listdir(source):  # noqa: PTH208 - as above
            _rename(entry, source, top, aside=here)
        _same_folder(os.fstat(source), top)
    finally:
        os.close(source)


def _rename(entry: str, source: int, target: int, aside: int | None = None) -> None:
    """Move an entry; one that came to be at its place meanwhile goes to the folder `aside`."""
    try:
        os.stat(entry, dir_fd=target, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        number = 0
        while True:
            other = f"{entry}.{number}"
            try:
                os.stat(other, dir_fd=aside or target, follow_symlinks=False)
            except FileNotFoundError:
                break
            number += 1
        os.rename(entry, other, src_dir_fd=target, dst_dir_fd=aside or target)
    os.rename(entry, entry, src_dir_fd=source, dst_dir_fd=target)


def _same_folder(like: os.stat_result, folder: int) -> None:
    os.fchown(folder, like.st_uid, like.st_gid)
    os.fchmod(folder, stat.S_IMODE(like.st_mode))
    os.utime(folder, ns=(like.st_atime_ns, like.st_mtime_ns))
