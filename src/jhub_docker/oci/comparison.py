"""Two images of one layout compared layer by layer and file by file."""

import difflib
import hashlib
import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from jhub_docker.oci import content
from jhub_docker.oci.canonical import XATTR
from jhub_docker.oci.layout import CHUNK, Descriptor, Layout

TIME = "time"


Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class LayerDifference:
    """A layer that differs. `number` counts from 1, the lowest; a digest is empty for none.

    `files` says of each path in what it differs, such as `etc/group: content, mode`; it is empty
    where the same files are packed in another way.
    """

    number: int
    made_by: str
    before: str
    after: str
    files: tuple[str, ...]


def layers(layout: Layout, before: Manifest, after: Manifest) -> list[LayerDifference]:
    """The layers that differ, the lowest first; the n-th is compared with the n-th."""
    history = layout.read_json(after["config"]["digest"]).get("history", ())
    made_by = [str(one.get("created_by", "")) for one in history if not one.get("empty_layer")]
    found = []
    pairs = zip_longest(content.layers(before), content.layers(after), made_by, fillvalue=None)
    for number, (old, new, command) in enumerate(pairs, start=1):
        if not (old and new and old.digest == new.digest):
            files = _differences(_entries(layout, old), _entries(layout, new))
            was, now = (one.digest if one else "" for one in (old, new))
            found.append(LayerDifference(number, command or "", was, now, tuple(files)))
    return found


def configuration(layout: Layout, before: Manifest, after: Manifest) -> list[str]:
    """The lines in which the configurations differ, but for the layers, as diff(1) shows them."""
    configs = (layout.read_json(one["config"]["digest"]) for one in (before, after))
    old, new = (
        json.dumps({**one, "rootfs": None}, indent=1, sort_keys=True).splitlines()
        for one in configs
    )
    lines = difflib.unified_diff(old, new, n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


_Entry = Mapping[str, object]
"""What a layer says of a path, as far as it counts, by what that is called."""


def _differences(before: Mapping[str, _Entry], after: Mapping[str, _Entry]) -> list[str]:
    found = []
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old and new:
            what = ", ".join(name for name in old if old[name] != new[name])
        else:
            what = "missing" if old else "extra"
        if what:
            found.append(f"{path}: {what}")
    return found


def _entries(layout: Layout, layer: Descriptor | None) -> dict[str, _Entry]:
    found: dict[str, _Entry] = {}
    if layer is None:
        return found
    with content.open_layer(layout, layer) as tar:
        for member in tar:
            sha = hashlib.sha256()
            if member.isreg() and (file := tar.extractfile(member)):
                while data := file.read(CHUNK):
                    sha.update(data)
            found[posixpath.normpath(member.name).removeprefix("/")] = {
                "type": member.type,
                "content": sha.hexdigest(),
                "mode": member.mode,
                "owner": (member.uid, member.gid),
                "link": member.linkname,
                "device": (member.devmajor, member.devminor),
                "attributes": {k: v for k, v in member.pax_headers.items() if k.startswith(XATTR)},
                TIME: int(member.mtime),
            }
    return found
