"""A layer's tar archive in one canonical form, so that equal files give equal bytes.

Engines and image stores write the same files in different orders and with different headers. Here
entries are sorted by path, owners are numbers, times later than `LATEST` become `LATEST`, and
headers are POSIX ustar with pax records only for what ustar cannot hold (POSIX.1-2017, pax,
"ustar Interchange Format" and "pax Extended Header"). Written by hand, since what `tarfile` writes
changes between versions of Python.
"""

import posixpath
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO

from jhub_docker.errors import ActionError

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

BLOCK = 512
_CHUNK = 1 << 20
_TYPES = {
    tarfile.REGTYPE,
    tarfile.LNKTYPE,
    tarfile.SYMTYPE,
    tarfile.CHRTYPE,
    tarfile.BLKTYPE,
    tarfile.DIRTYPE,
    tarfile.FIFOTYPE,
}


@dataclass(frozen=True)
class Entry:
    """One entry of a layer; `offset` is where its contents begin in the source archive."""

    path: str
    type: bytes
    mode: int
    uid: int
    gid: int
    time: int
    size: int = 0
    offset: int = 0
    target: str = ""
    device: tuple[int, int] = (0, 0)
    xattrs: Mapping[str, str] = field(default_factory=dict)


def entries(source: IO[bytes]) -> list[Entry]:
    """The entries of an uncompressed tar archive in canonical order and form.

    Raises ActionError for an archive that cannot be read or has entries that no layer has.
    """
    found: dict[str, Entry] = {}
    try:
        with tarfile.open(fileobj=source, mode="r:", encoding="utf-8") as tar:
            for member in tar:
                entry = _entry(member)
                found[entry.path] = entry
    except tarfile.TarError as error:
        raise ActionError(f"a layer is no readable tar archive: {error}") from None
    return sorted(_relinked(found), key=lambda entry: entry.path.split("/"))


def write(source: IO[bytes], sink: Callable[[bytes], object]) -> None:
    """Write the canonical form of the tar archive `source` to `sink`, in pieces."""
    pieces: list[bytes] = []
    waiting = 0
    for piece in _pieces(source):
        pieces.append(piece)
        waiting += len(piece)
        if waiting >= _CHUNK:
            sink(b"".join(pieces))
            pieces.clear()
            waiting = 0
    sink(b"".join(pieces))


def _pieces(source: IO[bytes]) -> Iterator[bytes]:
    for entry in entries(source):
        yield header(entry)
        if not entry.size:
            continue
        source.seek(entry.offset)
        left = entry.size
        while left:
            data = source.read(min(left, _CHUNK))
            if not data:
                raise ActionError(f"a layer ends in the middle of {entry.path}")
            left -= len(data)
            yield data
        yield bytes(-entry.size % BLOCK)
    yield bytes(2 * BLOCK)


def _entry(member: tarfile.TarInfo) -> Entry:
    kind = tarfile.REGTYPE if member.type == tarfile.AREGTYPE else member.type
    if kind not in _TYPES or member.sparse:
        raise ActionError(
            f"{member.name} in a layer is of a kind that layers do not have ({member.type!r})"
        )
    device = kind in (tarfile.CHRTYPE, tarfile.BLKTYPE)
    return Entry(
        path=_path(member.name),
        type=kind,
        mode=member.mode & 0o7777,
        uid=member.uid,
        gid=member.gid,
        time=max(0, min(int(member.mtime), LATEST)),
        size=member.size if kind == tarfile.REGTYPE else 0,
        offset=member.offset_data,
        target=_target(member),
        device=(member.devmajor, member.devminor) if device else (0, 0),
        xattrs={k: v for k, v in member.pax_headers.items() if k.startswith(XATTR)},
    )


def _path(name: str) -> str:
    return posixpath.normpath(name).lstrip("/")


def _target(member: tarfile.TarInfo) -> str:
    return _path(member.linkname) if member.islnk() else member.linkname


def _relinked(found: Mapping[str, Entry]) -> Iterable[Entry]:
    """Let the first path of each set of hard links be the file, and all of them say the same."""
    names: dict[str, list[str]] = {}
    for path, entry in found.items():
        if entry.type == tarfile.LNKTYPE and _file(found, entry.target):
            names.setdefault(entry.target, [entry.target]).append(path)
    result = dict(found)
    for target, group in names.items():
        file = found[target]
        first = min(group, key=lambda path: path.split("/"))
        for path in group:
            link = replace(file, path=path, type=tarfile.LNKTYPE, size=0, target=first)
            result[path] = link if path != first else replace(file, path=first)
    return result.values()


def _file(found: Mapping[str, Entry], path: str) -> bool:
    return path in found and found[path].type == tarfile.REGTYPE


def header(entry: Entry) -> bytes:
    """The header blocks of an entry: a pax extended header where it needs one, then ustar's."""
    name = _encode("./" if entry.path == "." else entry.path)
    if entry.type == tarfile.DIRTYPE and not name.endswith(b"/"):
        name += b"/"
    target = _encode(entry.target)
    records: dict[bytes, bytes] = {_encode(k): _encode(v) for k, v in entry.xattrs.items()}
    if len(name) > 100 or not name.isascii():
        records[b"path"] = name
    if len(target) > 100 or not target.isascii():
        records[b"linkpath"] = target
    for key, value, digits in (
        (b"uid", entry.uid, 7),
        (b"gid", entry.gid, 7),
        (b"size", entry.size, 11),
    ):
        if value >= 8**digits:
            records[key] = b"%d" % value
    block = _ustar(entry, name, target)
    if not records:
        return block
    body = b"".join(_record(key, records[key]) for key in sorted(records))
    pax = Entry("", tarfile.XHDTYPE, 0o644, 0, 0, 0, len(body))
    return _ustar(pax, b"PaxHeaders/0", b"") + body + bytes(-len(body) % BLOCK) + block


def _ustar(entry: Entry, name: bytes, target: bytes) -> bytes:
    parts = (
        name[:100].ljust(100, b"\0"),
        _octal(entry.mode, 8),
        _octal(entry.uid, 8),
        _octal(entry.gid, 8),
        _octal(entry.size, 12),
        _octal(entry.time, 12),
        b" " * 8,  # the checksum counts itself as blanks
        entry.type,
        target[:100].ljust(100, b"\0"),
        b"ustar\x0000",
        bytes(64),  # no names of users and groups: they mean something else on each machine
        _octal(entry.device[0], 8),
        _octal(entry.device[1], 8),
        bytes(167),
    )
    block = bytearray(b"".join(parts))
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _octal(value: int, width: int) -> bytes:
    """A number as ustar holds it; one that is too large is 0 here and stands in a pax record."""
    digits = width - 1
    return b"%0*o\0" % (digits, value if value < 8**digits else 0)


def _record(key: bytes, value: bytes) -> bytes:
    """`LENGTH key=value` and a line end, where LENGTH counts its own digits too."""
    rest = length = len(key) + len(value) + 3
    while length != rest + len(str(length)):
        length = rest + len(str(length))
    return b"%d %s=%s\n" % (length, key, value)


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
