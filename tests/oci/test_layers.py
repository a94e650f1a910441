"""Converted layers: the same bytes from every machine, and checked."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from jhub_docker.oci import canonical
from jhub_docker.oci.content import open_layer
from jhub_docker.oci.export import convert
from jhub_docker.oci.layout import LAYER, Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def _tar(*, size: int = 5) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        noise = hashlib.shake_256(b"1").digest(size).translate(bytes(n % 16 for n in range(256)))
        info = tarfile.TarInfo("file")
        info.size, info.mtime = size, canonical.LATEST + 99
        tar.addfile(info, io.BytesIO(noise))
    return file.getvalue()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def saved(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "saved")


def test_a_layer_is_canonical_and_named_by_what_it_holds(layout: Layout, saved: Layout) -> None:
    blob, diff_id = convert(saved, saved.add(_tar(), LAYER), layout)
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(layout.read(blob.digest))
    assert diff_id == _digest(plain)
    with open_layer(layout, blob) as tar:
        assert [(m.name, m.mtime) for m in tar] == [("file", canonical.LATEST)]


def test_how_the_engine_keeps_a_layer_does_not_count(layout: Layout, saved: Layout) -> None:
    forms = (_tar(), gzip.compress(_tar()), zstandard.compress(_tar()))
    results = {convert(saved, saved.add(data, LAYER), layout) for data in forms}
    assert len(results) == 1


def test_the_number_of_threads_does_not_count(layout: Layout, saved: Layout) -> None:
    # More than one job of zstd's at this level, so that threads have something to share.
    layer = saved.add(_tar(size=40_000_000), LAYER)
    assert len({convert(saved, layer, layout, threads=n) for n in (1, 2, 5)}) == 1
