"""A layer's tar archive in one canonical form, so that equal files give equal bytes.

Engines and image stores write the same files in different orders and with different headers. Here
entries are sorted by path, owners are numbers, times later than `LATEST` become `LATEST`, and of
what pax records say only extended attributes stay. `tarfile` writes the headers; a test holds what
it writes to a digest, so that a Python which does it in another way is noticed.
"""

import posixpath
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import CHUNK

LATEST = 1767225600  # 2026-01-01T00:00:00Z
"""The latest time a file gets, in seconds since 1970.

What a build writes has the time of the build and so becomes this; what packages bring keeps its
time. A fixed date and not the commit's, so that a layer that did not change stays the same layer in
the next release.
"""

XATTR = "SCHILY.xattr."
"""Begins the pax records of extended attributes, as Go's archive/tar and so all engines name them.

File capabilities are one: `security.capability`.
"""

_TYPES = {
    *(tarfile.REGTYPE, tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.DIRTYPE),
    *(tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE),
}


def pieces(source: IO[bytes]) -> Iterator[bytes]:
    """The canonical form of the uncompressed tar archive `source`, piece by piece.

    Raises ActionError for an archive that cannot be read or has entries that no layer has.
    """
    for entry in _entries(source):
        yield entry.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")
        source.seek(entry.offset_data)
        left = entry.size
        while left:
            data = source.read(min(left, CHUNK))
            if not data:
                raise ActionError(f"a layer ends in the middle of {entry.name}")
            left -= len(data)
            yield data
        yield bytes(-entry.size % tarfile.BLOCKSIZE)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _entries(source: IO[bytes]) -> list[tarfile.TarInfo]:
    """The entries in canonical order and form; `offset_data` is where the contents begin."""
    found: dict[str, tarfile.TarInfo] = {}
    try:
        with tarfile.open(fileobj=source, mode="r:", encoding="utf-8") as tar:
            for member in tar:
                entry = _entry(member)
                found[entry.name] = entry
    except tarfile.TarError as error:
        raise ActionError(f"a layer is no readable tar archive: {error}") from None
    return sorted(_relinked(found), key=lambda entry: entry.name.split("/"))


def _entry(member: tarfile.TarInfo) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(_path(member.name))
    entry.type = tarfile.REGTYPE if member.type == tarfile.AREGTYPE else member.type
    if entry.type not in _TYPES or member.sparse:
        raise ActionError(
            f"{member.name} in a layer is of a kind that layers do not have ({member.type!r})"
        )
    entry.mode, entry.uid, entry.gid = member.mode & 0o7777, member.uid, member.gid
    entry.mtime = max(0, min(int(member.mtime), LATEST))
    entry.linkname = _path(member.linkname) if member.islnk() else member.linkname
    entry.devmajor, entry.devminor = member.devmajor, member.devminor
    entry.size = member.size if entry.type == tarfile.REGTYPE else 0
    entry.offset_data = member.offset_data
    xattrs = sorted((k, v) for k, v in member.pax_headers.items() if k.startswith(XATTR))
    entry.pax_headers = dict(xattrs)
    return entry


def _path(name: str) -> str:
    return posixpath.normpath(name).lstrip("/")


def _relinked(found: Mapping[str, tarfile.TarInfo]) -> Iterable[tarfile.TarInfo]:
    """Let the first path of each set of hard links be the file, and all of them say the same."""
    names: dict[str, list[str]] = {}
    for path, entry in found.items():
        target = found.get(entry.linkname)
        if entry.islnk() and target and target.isreg():
            names.setdefault(target.name, [target.name]).append(path)
    result = dict(found)
    for file, group in names.items():
        first, *others = sorted(group, key=lambda path: path.split("/"))
        result[first] = found[file].replace(name=first, deep=False)
        for path in others:
            result[path] = link = found[file].replace(name=path, linkname=first, deep=False)
            link.type, link.size = tarfile.LNKTYPE, 0
    return result.values()
