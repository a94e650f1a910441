"""How full the disk of the data volume is, what is told of that, and files that are written whole
or not at all.
"""

import errno
import os
from pathlib import Path
from typing import Any

FULL = 16 * 2**20
"""Bytes that are left when a disk counts as full: less than a few files of the hub take."""

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the kernel says when nothing more can be written."""

FOR_PEOPLE = (
    "The disk of this platform is full. You can sign in, and servers that run go on, but no server "
    "starts, and what you change or save may be lost. Please tell an administrator."
)
FOR_ADMINS = (
    "The disk of the data volume is full: {megabytes:.0f} MB are left. Servers do not start, and "
    "what people change or save may be lost. Make room: “invoke clean” on the Docker host lists "
    "what nobody needs; on Kubernetes, enlarge the hub's claim."
)


def free(folder: Path) -> int:
    """Bytes that can still be written where `folder` is."""
    told = os.statvfs(folder)
    return told.f_bavail * told.f_frsize


def size(amount: float) -> str:
    """Bytes in words, as disks are sold: MB and GB are 10⁶ and 10⁹."""
    return f"{amount / 1e6:.0f} MB" if amount < 1e9 else f"{amount / 1e9:.1f} GB"


def complaint(left: int, *, admin: bool = False) -> str:
    """What to tell somebody of a disk with so many bytes left; empty while it is not full."""
    if left >= FULL:
        return ""
    return FOR_ADMINS.format(megabytes=left / 1e6) if admin else FOR_PEOPLE


class Notice:
    """For templates, as `disk_full`: JupyterHub calls it with whoever looks at the page."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, user: Any) -> str:
        """The sentence, empty while there is room; `user` is None for who has not signed in."""
        return complaint(free(self.folder), admin=bool(getattr(user, "admin", False)))


def write(path: Path, content: bytes, mode: int | None = None) -> bool:
    """Have a file hold `content`; False where there is no room: then it is what it was before.

    `mode` is who may read it, whatever the process's mask.
    """
    unfinished = path.with_name(f".{path.name}.new")
    try:
        if path.exists() and path.read_bytes() == content:
            return True
        unfinished.write_bytes(content)
        if mode is not None:
            unfinished.chmod(mode)
        unfinished.replace(path)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        unfinished.unlink(missing_ok=True)
        return False
    return True
