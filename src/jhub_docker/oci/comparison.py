"""Two images of one layout compared, in lines for people: layers file by file, and settings."""

import difflib
import hashlib
import io
import json
import posixpath
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any, cast

from jhub_docker.oci import content
from jhub_docker.oci.canonical import XATTR
from jhub_docker.oci.layout import Descriptor, Layout

Manifest = Mapping[str, Any]


def layers(layout: Layout, before: Manifest, after: Manifest) -> list[str]:
    """The layers that differ, the lowest first; the n-th is compared with the n-th.

    Below each are the paths with what differs of them, such as `etc/group: content, mode`.
    """
    history = layout.read_json(after["config"]["digest"]).get("history", ())
    made_by = [str(one.get("created_by", "")) for one in history if not one.get("empty_layer")]
    lines = []
    pairs = zip_longest(content.layers(before), content.layers(after), made_by, fillvalue=None)
    for number, (old, new, command) in enumerate(pairs, start=1):
        if not (old and new and old.digest == new.digest):
            digests = " and ".join(one.digest if one else "none" for one in (old, new))
            lines.append(f"layer {number}, {digests}, by {' '.join((command or '').split())[:80]}")
            files = _differences(_entries(layout, old), _entries(layout, new))
            lines += [f"  {one}" for one in files or ["the same files, packed in another way"]]
    return lines


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
            file = tar.extractfile(member) if member.isreg() else io.BytesIO()
            found[posixpath.normpath(member.name).removeprefix("/")] = {
                "type": member.type,
                "content": hashlib.file_digest(cast(io.BytesIO, file), "sha256").digest(),
                "mode": member.mode,
                "owner": (member.uid, member.gid),
                "link": member.linkname,
                "device": (member.devmajor, member.devminor),
                "attributes": {k: v for k, v in member.pax_headers.items() if k.startswith(XATTR)},
                "time": int(member.mtime),
            }
    return found
