"""The files of an image, read from its layers in a layout without an engine."""

import contextlib
import posixpath
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
            stream = stack.enter_context(
                zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
            )
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


@dataclass
class Tree:
    """The regular files of an image; paths are written `etc/passwd`, without a slash first.

    `sizes` has all of them, in bytes; a hard link counts 0. `contents` has those asked for.
    """

    sizes: dict[str, int] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)


def read_files(
    layout: Layout, manifest: Mapping[str, Any], wanted: Callable[[str], bool]
) -> dict[str, bytes]:
    """The contents of the regular files whose path is `wanted`; see `read_tree`."""
    return read_tree(layout, manifest, wanted).contents


def read_tree(layout: Layout, manifest: Mapping[str, Any], wanted: Callable[[str], bool]) -> Tree:
    """The files of an image, with the contents of those whose path is `wanted`.

    What a higher layer replaced or removed is not among them. Symbolic links are not followed; a
    hard link to a file of the same layer that is `wanted` has its contents. Each layer is read
    once.
    """
    tree = Tree()
    folders: set[str] = set()
    known: dict[str, Any]
    for layer in layers(manifest):
        new, removed = _read_layer(layout, layer, wanted)
        removed |= new.sizes.keys()
        # A file or link in the place of a folder removes what was in it.
        removed |= {f"{path}/" for path in removed & folders}
        gone = tuple(path for path in removed if not path or path.endswith("/"))
        for known in (tree.sizes, tree.contents):
            for path in [p for p in known if p in removed or p.startswith(gone)]:
                del known[path]
        tree.sizes.update(new.sizes)
        tree.contents.update(new.contents)
        for path in new.sizes:
            while (path := posixpath.dirname(path)) and path not in folders:
                folders.add(path)
    return tree


def _read_layer(
    layout: Layout, layer: Descriptor, wanted: Callable[[str], bool]
) -> tuple[Tree, set[str]]:
    """The files a layer adds, and what it removes: paths, and folders with a slash at the end."""
    new = Tree()
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
            elif member.isreg():
                new.sizes[path] = member.size
                if wanted(path):
                    file = tar.extractfile(member)
                    assert file is not None  # noqa: S101 - a regular file has contents
                    new.contents[path] = file.read()
            elif member.islnk():
                new.sizes[path] = 0
                target = posixpath.normpath(member.linkname).removeprefix("/")
                if wanted(path) and target in new.contents:
                    new.contents[path] = new.contents[target]
            elif not member.isdir():
                removed.add(path)  # a link or a device took the place of a file
    return new, removed
