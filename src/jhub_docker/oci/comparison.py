"""Two images compared layer by layer and file by file, from their layouts."""

import hashlib
import posixpath
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from jhub_docker.oci import content
from jhub_docker.oci.canonical import XATTR
from jhub_docker.oci.layout import Descriptor, Layout

MISSING, EXTRA = "missing", "extra"
"""What a path is that only the first image has, or only the second."""

TIME = "time"

_CHUNK = 1 << 20


@dataclass(frozen=True)
class Image:
    """An image manifest and the layout it is in."""

    layout: Layout
    manifest: Mapping[str, Any]

    @property
    def config(self) -> dict[str, Any]:
        """Its configuration."""
        return self.layout.read_json(self.manifest["config"]["digest"])


@dataclass(frozen=True)
class FileDifference:
    """A path of a layer, and in what it differs: `missing`, `extra`, `content`, `mode`, `owner`…"""

    path: str
    what: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path}: {', '.join(self.what)}"


@dataclass(frozen=True)
class LayerDifference:
    """A layer that differs. `number` counts from 1, the lowest; a digest is empty for none.

    `files` is empty where the same files are packed in another way.
    """

    number: int
    made_by: str
    before: str
    after: str
    files: tuple[FileDifference, ...]


@dataclass(frozen=True)
class _Entry:
    """What a layer says of a path, as far as it counts."""

    type: str
    mode: int
    owner: tuple[int, int]
    time: int
    content: str
    link: str
    attributes: tuple[tuple[str, str], ...]
    device: tuple[int, int]


def layers(before: Image, after: Image) -> list[LayerDifference]:
    """The layers that differ, the lowest first; the n-th is compared with the n-th."""
    made_by = _made_by(before.config) or _made_by(after.config)
    found = []
    pairs = zip_longest(content.layers(before.manifest), content.layers(after.manifest))
    for number, (old, new) in enumerate(pairs, start=1):
        if old and new and old.digest == new.digest:
            continue
        files = differences(
            _entries(before.layout, old) if old else {}, _entries(after.layout, new) if new else {}
        )
        found.append(
            LayerDifference(
                number,
                made_by[number - 1] if number <= len(made_by) else "",
                old.digest if old else "",
                new.digest if new else "",
                tuple(files),
            )
        )
    return found


def configuration(before: Image, after: Image) -> list[str]:
    """In words, what the configurations differ in, but for the layers."""
    old, new = _flat(before.config), _flat(after.config)
    return [
        f"{key}: {old.get(key, 'nothing')} became {new.get(key, 'nothing')}"
        for key in sorted({*old, *new})
        if old.get(key) != new.get(key)
    ]


def differences(before: Mapping[str, _Entry], after: Mapping[str, _Entry]) -> list[FileDifference]:
    """The paths that differ, and in what. Pure."""
    found = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is None:
            found.append(FileDifference(path, (EXTRA,)))
        elif new is None:
            found.append(FileDifference(path, (MISSING,)))
        elif what := _what(old, new):
            found.append(FileDifference(path, what))
    return found


def _what(old: _Entry, new: _Entry) -> tuple[str, ...]:
    if old.type != new.type:
        return (f"{old.type} became {new.type}",)
    named: Sequence[tuple[str, object, object]] = (
        ("content", old.content, new.content),
        ("mode", old.mode, new.mode),
        ("owner", old.owner, new.owner),
        ("link", old.link, new.link),
        ("device", old.device, new.device),
        ("attributes", old.attributes, new.attributes),
        (TIME, old.time, new.time),
    )
    return tuple(name for name, one, other in named if one != other)


_TYPES = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
}


def _entries(layout: Layout, layer: Descriptor) -> dict[str, _Entry]:
    found = {}
    with content.open_layer(layout, layer) as tar:
        for member in tar:
            sha = hashlib.sha256()
            if member.isreg() and (file := tar.extractfile(member)):
                while data := file.read(_CHUNK):
                    sha.update(data)
            path = posixpath.normpath(member.name).removeprefix("/")
            found[path] = _Entry(
                type=_TYPES.get(member.type, "file"),
                mode=member.mode,
                owner=(member.uid, member.gid),
                time=int(member.mtime),
                content=sha.hexdigest(),
                link=member.linkname,
                attributes=tuple(
                    sorted((k, v) for k, v in member.pax_headers.items() if k.startswith(XATTR))
                ),
                device=(member.devmajor, member.devminor),
            )
    return found


def _made_by(config: Mapping[str, Any]) -> list[str]:
    """What made each layer, from the history."""
    return [
        str(entry.get("created_by", ""))
        for entry in config.get("history", ())
        if not entry.get("empty_layer")
    ]


def _flat(config: Mapping[str, Any]) -> dict[str, str]:
    """Settings and labels by name; the history's commands by number."""
    flat = {
        key: str(value)
        for key, value in config.items()
        if key not in ("config", "rootfs", "history")
    }
    for key, value in config.get("config", {}).items():
        if key == "Labels":
            flat |= {f"label {name}": str(text) for name, text in value.items()}
        else:
            flat[key] = str(value)
    for number, entry in enumerate(config.get("history", ()), start=1):
        flat[f"history {number}"] = str(entry)
    return flat
