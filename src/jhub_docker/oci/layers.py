"""From the layer of an image in an engine to the layer of a release.

A converted layer is the canonical archive of its files (`canonical`), compressed by the zstandard
wheel, which brings its own libzstd: the same bytes on every machine.
"""

import gzip
import hashlib
import io
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from jhub_docker.errors import ActionError
from jhub_docker.oci import canonical
from jhub_docker.oci.layout import CHUNK, LAYER, Descriptor, Layout

LEVEL = 6
"""zstd's level: the last one before time grows faster than size shrinks, measured on uv-lab."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Layer:
    """A layer of a release: its compressed blob, and the diff ID, the digest of its tar archive."""

    blob: Descriptor
    diff_id: str


def convert(source: Path, diff_id: str, layout: Layout, threads: int | None = None) -> Layer:
    """Convert the layer in the file `source`, compressed or not, and add its blob to `layout`.

    `diff_id` is what its tar archive has to have for a digest. The result does not depend on
    `threads`. Raises ActionError when the file is not the layer that `diff_id` names.
    """
    with _archive(source, layout.folder) as tar:
        found = f"sha256:{hashlib.file_digest(cast(io.BufferedReader, tar), 'sha256').hexdigest()}"
        if found != diff_id:
            raise ActionError(
                f"the engine gave a layer with the digest {found} where the image names {diff_id}; "
                "export it again, and check the engine's disk when that happens again"
            )
        tar.seek(0)
        # From one thread on their number does not change the result; 0 would be another form.
        # No size in the frame's header: it is not known before the archive is written.
        compressor = zstandard.ZstdCompressor(
            level=LEVEL,
            threads=threads or os.cpu_count() or 1,
            write_content_size=False,
            write_checksum=True,
        ).compressobj()
        sha = hashlib.sha256()
        with layout.writer(f"{LAYER}+zstd") as blob:

            def sink(data: bytes) -> None:
                sha.update(data)
                blob.write(compressor.compress(data))

            canonical.write(tar, sink)
            blob.write(compressor.flush())
        return Layer(blob.descriptor, f"sha256:{sha.hexdigest()}")


@contextmanager
def _archive(source: Path, scratch: Path) -> Iterator[IO[bytes]]:
    """The layer as an uncompressed file to seek in."""
    with source.open("rb") as file, tempfile.TemporaryFile(dir=scratch) as plain:
        start = file.read(4)
        file.seek(0)
        if start.startswith(_GZIP):
            with gzip.open(file) as stream:
                shutil.copyfileobj(stream, plain, CHUNK)
        elif start.startswith(_ZSTD):
            zstandard.ZstdDecompressor().copy_stream(file, plain)
        else:
            yield file
            return
        plain.seek(0)
        yield plain
