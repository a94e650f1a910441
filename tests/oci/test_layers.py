"""Converted layers: the same bytes from every machine, and checked."""

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

import pytest
import zstandard

from jhub_docker.errors import ActionError
from jhub_docker.oci import canonical
from jhub_docker.oci.content import open_layer
from jhub_docker.oci.layers import convert
from jhub_docker.oci.layout import Layout


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


def _write(path: Path, data: bytes) -> tuple[Path, str]:
    path.write_bytes(data)
    return path, _digest(data)


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_a_layer_is_canonical_and_named_by_what_it_holds(layout: Layout, tmp_path: Path) -> None:
    layer = convert(*_write(tmp_path / "layer", _tar()), layout)
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(layout.read(layer.blob.digest))
    assert layer.diff_id == _digest(plain)
    with open_layer(layout, layer.blob) as tar:
        assert [(m.name, m.mtime) for m in tar] == [("file", canonical.LATEST)]


def test_how_the_engine_keeps_a_layer_does_not_count(layout: Layout, tmp_path: Path) -> None:
    diff_id = _digest(_tar())
    forms = (_tar(), gzip.compress(_tar()), zstandard.compress(_tar()))
    results = set()
    for number, data in enumerate(forms):
        path, _ = _write(tmp_path / f"layer{number}", data)
        results.add(convert(path, diff_id, layout).blob.digest)
    assert len(results) == 1


def test_the_number_of_threads_does_not_count(layout: Layout, tmp_path: Path) -> None:
    # More than one job of zstd's at this level, so that threads have something to share.
    path, diff_id = _write(tmp_path / "layer", _tar(size=40_000_000))
    results = {convert(path, diff_id, layout, threads=n).blob.digest for n in (1, 2, 5)}
    assert len(results) == 1


def test_another_layer_than_the_one_named_is_refused(layout: Layout, tmp_path: Path) -> None:
    path, _ = _write(tmp_path / "layer", _tar())
    with pytest.raises(ActionError, match="the engine gave a layer with the digest"):
        convert(path, _digest(b"other"), layout)
