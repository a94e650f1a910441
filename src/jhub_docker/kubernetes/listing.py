"""Lists what is in a folder, a line of JSON for each file: `-c <this text> FOLDER [NAME...]`.

It runs in the hub's image on both sides of a move, so it knows nothing of this package. Names after
the folder are left out. A line is the path, what has to be the same, and extended attributes, which
some file systems do not keep. Sockets are of programs that ran, and the folder itself is the
volume's: neither is listed.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

KEPT = ("user.", "system.posix_acl_")
"""Extended attributes that are a person's; others are the system's to give."""


def paths(top: str, left_out: set[str]) -> Iterator[str]:
    """All below `top`, in an order that is the same everywhere."""
    for folder, folders, files in os.walk(top):
        unwanted = left_out if folder == top else set[str]()
        folders[:] = sorted(set(folders) - unwanted)
        names = sorted({*folders, *files} - unwanted)
        yield from (os.path.join(folder, name) for name in names)  # noqa: PTH118


def described(path: str, found: os.stat_result, first: dict[int, str], top: str) -> list[Any]:
    """What has to be the same. Of several names of one file the first stands for it."""
    kind, mode = stat.S_IFMT(found.st_mode), stat.S_IMODE(found.st_mode)
    said: list[Any] = [kind, found.st_uid, found.st_gid]
    if stat.S_ISLNK(found.st_mode):
        return [*said, os.readlink(path)]  # noqa: PTH115
    said += [mode, int(found.st_mtime)]
    if stat.S_ISREG(found.st_mode):
        name = os.path.relpath(path, top)
        if found.st_nlink > 1:
            name = first.setdefault(found.st_ino, name)
        with open(path, "rb") as file:  # noqa: PTH123
            said += [found.st_size, name, hashlib.file_digest(file, "sha256").hexdigest()]
    return said


def attributes(path: str) -> dict[str, str]:
    """The extended attributes that are a person's; none where the file system has none."""
    try:
        names = [one for one in os.listxattr(path, follow_symlinks=False) if one.startswith(KEPT)]
    except OSError:
        return {}
    return {one: os.getxattr(path, one, follow_symlinks=False).hex() for one in sorted(names)}


def main(top: str, *left_out: str) -> None:
    """Print the list."""
    first: dict[int, str] = {}
    for path in paths(top, set(left_out)):
        found = os.lstat(path)
        if stat.S_ISSOCK(found.st_mode):
            continue
        inside = os.path.relpath(path, top)
        print(json.dumps([inside, described(path, found, first, top), attributes(path)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
