"""What the process of a space does to itself, so that it is nobody else's."""

import os
import resource
import shutil
from pathlib import Path

FIRST_UID = 20000
MEMORY = 2**32
"""Bytes that it may take beside what it has from the first process: requests decide what it reads
at once, and without a limit it would be all that the machine has.
"""


def clear(path: Path) -> int:
    """As the user that the folder belongs to, remove what is in it; the exit code."""
    become(path)
    for one in Path().iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink()
    return 0


def limit_memory() -> None:
    """For this process, for good (proc(5), statm; getrlimit(2), RLIMIT_DATA)."""
    has = int(Path("/proc/self/statm").read_text("ascii").split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (has + MEMORY, has + MEMORY))


def become(path: Path) -> None:
    """Be the user that the folder belongs to, in it, for good."""
    owner = path.lstat()
    if owner.st_uid < FIRST_UID and os.geteuid() == 0:
        raise PermissionError(f"{path} belongs to user {owner.st_uid}, who is no space's")
    os.umask(0o077)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)
    os.chdir(path)  # which root without capabilities may not enter
