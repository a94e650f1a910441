"""The files of an image, read from its layers in a layout without an engine."""

import contextlib
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

import zstandard

from jhub_docker.errors import ActionError
from jhub_docker.oci.layout import LAYER, Descriptor, Layout

WHITEOUT = ".wh."
"""Begins the name of an entry that removes what lower layers hold (image-spec, layer.md)."""

OPAQUE = ".wh..wh..opq"
"""The entry that removes all that lower layers hold in its folder."""


@contextlib.contextmanager
def open_layer(layout: Layout, layer: Descriptor) -> Iterator[tarfile.TarFile]:
    """A layer as a tar archive to be read once, from its beginning to its end."""
    with layout.path(layer.digest).open("rb") as file, contextlib.ExitStack() as stack:
        stream: IO[bytes] = file
        mode = "r|"
        if layer.media_type == f"{LAYER}+zstd":
            stream = stack.enter_context(zstandard.ZstdDecompressor().stream_reader(file))
        elif layer.media_type.endswith(("+gzip", ".gzip")):
            mode = "r|gz"
        elif layer.media_type != LAYER:
            raise ActionError(f"layer {layer.digest} has the unknown type {layer.media_type}")
        # Blocks far larger than tarfile's 10 KiB: a layer can have gigabytes.
        with tarfile.open(fileobj=stream, mode=mode, bufsize=1 << 20) as tar:  # type: ignore[call-overload]
            yield tar


def layers(manifest: Mapping[str, Any]) -> list[Descriptor]:
    """The layers of an image manifest, lowest first."""
    return [Descriptor.from_json(value) for value in manifest["layers"]]


def read_files(
    layout: Layout, manifest: Mapping[str, Any], wanted: Callable[[str], bool]
) -> dict[str, bytes]:
    """The contents of the regular files whose path (`etc/passwd`, no slash first) is `wanted`.

    What a higher layer replaced or removed is not among them. Links are not followed.
    """
    found: dict[str, bytes] = {}
    for layer in layers(manifest):
        new: dict[str, bytes] = {}
        removed: set[str] = set()
        with open_layer(layout, layer) as tar:
            for member in tar:
                path = posixpath.normpath(member.name).removeprefix("/")
                folder, name = posixpath.split(path)
                if name == OPAQUE:
                    removed.add(f"{folder}/" if folder else "")  # "" begins every path
                elif name.startswith(WHITEOUT):
                    gone = posixpath.join(folder, name.removeprefix(WHITEOUT))
                    removed |= {gone, f"{gone}/"}
                elif member.isreg() and wanted(path):
                    file = tar.extractfile(member)
                    assert file is not None  # noqa: S101 - a regular file has contents
                    new[path] = file.read()
                elif not member.isdir():
                    removed.add(path)  # a link or a device took the place of a file
        folders = tuple(path for path in removed if not path or path.endswith("/"))
        kept = {p: data for p, data in found.items() if p not in removed}
        found = {p: data for p, data in kept.items() if not p.startswith(folders)} | new
    return found
