"""The files of an image, read from its layers in a layout without an engine."""

import contextlib
import gzip
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping, Set
from typing import IO, Any, cast

import zstandard

from jhub_docker.oci.layout import CHUNK, Descriptor, Layout

WHITEOUT = ".wh."
"""Begins the name of an entry that removes what lower layers hold (image-spec, layer.md)."""

OPAQUE = ".wh..wh..opq"
"""The entry that removes all that lower layers hold in its folder."""


@contextlib.contextmanager
def unpacked(layout: Layout, layer: Descriptor) -> Iterator[IO[bytes]]:
    """A layer's tar archive, whether it is compressed or not; the file itself where it is not."""
    with layout.path(layer.digest).open("rb") as file, contextlib.ExitStack() as stack:
        begins = file.peek(4)
        if begins.startswith(b"\x28\xb5\x2f\xfd"):
            reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            yield stack.enter_context(reader)
        elif begins.startswith(b"\x1f\x8b"):
            yield cast(IO[bytes], stack.enter_context(gzip.open(file)))
        else:
            yield file


@contextlib.contextmanager
def open_layer(layout: Layout, layer: Descriptor) -> Iterator[tarfile.TarFile]:
    """A layer as a tar archive to be read once."""
    # Blocks far larger than tarfile's 10 KiB: a layer can have gigabytes.
    with (
        unpacked(layout, layer) as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=CHUNK) as tar,
    ):
        yield tar


def layers(manifest: Mapping[str, Any]) -> list[Descriptor]:
    """The layers of an image manifest, lowest first."""
    return [Descriptor.from_json(value) for value in manifest["layers"]]


def read_files(
    layout: Layout, manifest: Mapping[str, Any], wanted: Callable[[str], bool]
) -> dict[str, bytes]:
    """The contents of an image's regular files whose path, such as `etc/passwd`, is `wanted`.

    What a higher layer replaced or removed is not among them. Symbolic links are not followed; a
    hard link to a file of the same layer that is `wanted` has its contents. Each layer is read
    once.
    """
    found: dict[str, bytes] = {}
    # Paths that a higher layer has removed or replaced, with what is below them; a slash at the
    # end: only what is below.
    hidden: set[str] = set()
    for layer in reversed(layers(manifest)):
        own: set[str] = set()
        read: dict[str, bytes] = {}
        with open_layer(layout, layer) as tar:
            for member in tar:
                path = posixpath.normpath(member.name).removeprefix("/")
                folder, name = posixpath.split(path)
                if name == OPAQUE:
                    own.add(f"{folder}/")
                    continue
                if name.startswith(WHITEOUT):
                    own.add(posixpath.join(folder, name.removeprefix(WHITEOUT)))
                    continue
                if member.isdir():
                    continue
                own.add(path)
                if member.isreg() and wanted(path) and (file := tar.extractfile(member)):
                    read[path] = file.read()
                elif member.islnk() and wanted(path):
                    target = posixpath.normpath(member.linkname).removeprefix("/")
                    read |= {path: read[target]} if target in read else {}
        found |= {path: read[path] for path in read if not _is_hidden(path, hidden)}
        hidden |= own
    return found


def _is_hidden(path: str, hidden: Set[str]) -> bool:
    if path in hidden:
        return True
    while path:
        path = posixpath.dirname(path)
        if path in hidden or f"{path}/" in hidden:
            return True
    return False
