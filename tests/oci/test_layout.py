"""OCI layouts: what goes in comes out, and what was altered does not."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.oci.content import read_files
from jhub_docker.oci.layout import CONFIG, INDEX, LAYER, MANIFEST, Descriptor, Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "layout")


def _layer(layout: Layout, files: dict[str, bytes | None]) -> Descriptor:
    """A layer with these files; None makes a folder."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    return layout.add(file.getvalue(), LAYER)


def _image(layout: Layout, *layers: Descriptor, platform: str = "linux/amd64") -> Descriptor:
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json({"os": platform}, CONFIG).to_json(),
        "layers": [layer.to_json() for layer in layers],
    }
    found = layout.add_json(manifest, MANIFEST)
    return Descriptor(MANIFEST, found.digest, found.size, platform)


def test_a_blob_is_read_back(layout: Layout) -> None:
    added = layout.add(b"data", LAYER)
    assert layout.read(added.digest) == b"data"


def test_an_altered_blob_is_not_read(layout: Layout) -> None:
    added = layout.add(b"data", LAYER)
    layout.path(added.digest).write_bytes(b"date")
    with pytest.raises(ActionError, match="was altered"):
        layout.read(added.digest)


def test_a_missing_blob_is_named(layout: Layout) -> None:
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(ActionError, match=f"lacks the blob {digest}"):
        layout.read(digest)


@pytest.mark.parametrize("digest", ["sha256:../../etc/passwd", "md5:00", "", "sha256:" + "A" * 64])
def test_what_is_no_digest_is_no_path(layout: Layout, digest: str) -> None:
    with pytest.raises(ActionError, match="is no digest"):
        layout.path(digest)


def test_equal_json_is_one_blob(layout: Layout) -> None:
    one = layout.add_json({"b": 1, "a": "ä"}, CONFIG)
    assert layout.add_json({"a": "ä", "b": 1}, CONFIG) == one


def test_a_descriptor_survives_json() -> None:
    whole = Descriptor(MANIFEST, "sha256:0", 3, "linux/arm64/v8")
    assert Descriptor.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_an_index_stands_for_its_images_without_attestations(layout: Layout) -> None:
    images = [_image(layout, platform=p) for p in ("linux/amd64", "linux/arm64", "unknown/unknown")]
    value = {"mediaType": INDEX, "manifests": [image.to_json() for image in images]}
    found = [d for d, _ in layout.manifests(layout.add_json(value, INDEX))]
    assert [d.platform for d in found] == ["linux/amd64", "linux/arm64"]


def test_files_are_read_as_the_layers_leave_them(layout: Layout) -> None:
    image = _image(
        layout,
        _layer(layout, {"etc/kept": b"1", "etc/gone": b"1", "etc/new": b"1", "opt/a/b": b"1"}),
        _layer(layout, {"etc/.wh.gone": b"", "etc/new": b"2", "opt/a/.wh..wh..opq": b""}),
        _layer(layout, {"opt/a/c": b"3", "opt/other": b"4"}),
    )
    found = read_files(layout, layout.read_json(image.digest), lambda path: path != "opt/other")
    assert found == {"etc/kept": b"1", "etc/new": b"2", "opt/a/c": b"3"}


def test_a_folder_that_was_removed_takes_its_files_along(layout: Layout) -> None:
    image = _image(
        layout, _layer(layout, {"a/b/c": b"1", "a/bc": b"1"}), _layer(layout, {"a/.wh.b": b""})
    )
    found = read_files(layout, layout.read_json(image.digest), lambda _: True)
    assert found == {"a/bc": b"1"}


def test_a_file_in_the_place_of_a_folder_removes_what_was_in_it(layout: Layout) -> None:
    image = _image(layout, _layer(layout, {"a/b/c": b"1"}), _layer(layout, {"a/b": b"2"}))
    found = read_files(layout, layout.read_json(image.digest), lambda _: True)
    assert found == {"a/b": b"2"}
