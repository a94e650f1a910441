"""From the layer of an image in an engine to the layer of a release, converted once and kept.

A converted layer is the canonical archive of its files (`canonical`), compressed by the zstandard
wheel, which brings its own libzstd: the same bytes on every machine. Converting gigabytes takes
time and most layers of a new image are those of the last one, so they are kept in a folder by what
they were made from.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import zstandard

from jhub_docker.errors import ActionError
from jhub_docker.oci import canonical
from jhub_docker.oci.layout import CHUNK, LAYER, Descriptor, Layout

LEVEL = 6
"""zstd's level: the last one before time grows faster than size shrinks, measured on uv-lab."""

FORM = f"2 zstd-{'.'.join(map(str, zstandard.ZSTD_VERSION))} level-{LEVEL} to-{canonical.LATEST}"
"""What besides a layer's files decides about its bytes; its first number is `canonical`'s."""

KEPT_DAYS = 30
"""A converted layer that nobody asked for in so many days is removed from the cache."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True)
class Layer:
    """A layer of a release: its compressed blob, and the diff ID, the digest of its tar archive."""

    blob: Descriptor
    diff_id: str


class Cache:
    """Converted layers in a folder, by the digest of what they were made from."""

    def __init__(self, folder: Path) -> None:
        """Use `folder`, which is made when it is not there."""
        self.layout = Layout(folder)
        self._folder = folder / "converted"
        self._folder.mkdir(exist_ok=True)

    def get(self, source: str, *, keep: bool) -> Layer | None:
        """The layer made from the layer `source` (a digest), or None where there is none yet."""
        record = self._record(source, keep=keep)
        with suppress(FileNotFoundError, ValueError):
            value = json.loads(record.read_text(encoding="ascii"))
            layer = Layer(Descriptor.from_json(value["blob"]), value["diff_id"])
            if self.layout.has(layer.blob.digest):
                record.touch()
                self.layout.path(layer.blob.digest).touch()
                return layer
        return None

    def put(self, source: str, layer: Layer, layout: Layout, *, keep: bool) -> None:
        """Keep a converted layer whose blob is in `layout`."""
        self.layout.copy(layer.blob, layout)
        self.layout.path(layer.blob.digest).touch()
        value = {"blob": layer.blob.to_json(), "diff_id": layer.diff_id}
        with tempfile.NamedTemporaryFile("w", dir=self.layout.folder, delete=False) as file:
            json.dump(value, file)
        Path(file.name).replace(self._record(source, keep=keep))

    def sweep(self) -> None:
        """Remove what was not asked for in `KEPT_DAYS`."""
        oldest = time.time() - KEPT_DAYS * 86400
        for kept in (*self._folder.iterdir(), *self.layout.blobs.iterdir()):
            with suppress(FileNotFoundError):  # another export sweeps too
                if kept.stat().st_mtime < oldest:
                    kept.unlink()

    def _record(self, source: str, *, keep: bool) -> Path:
        key = f"{source} {FORM} {'kept' if keep else 'canonical'}"
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()}.json"


def convert(
    source: Path, diff_id: str, layout: Layout, *, keep: bool, threads: int | None = None
) -> Layer:
    """Convert the layer in the file `source`, compressed or not, and add its blob to `layout`.

    `diff_id` is what its tar archive has to have for a digest. With `keep` the archive's bytes
    stay as they are and are only compressed. The result does not depend on `threads`.
    Raises ActionError when the file is not the layer that `diff_id` names.
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

            if keep:
                while data := tar.read(CHUNK):
                    sink(data)
            else:
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
