"""Two images compared file by file: each way in which a path can differ is named."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.oci import comparison
from jhub_docker.oci.layout import CONFIG, LAYER, MANIFEST, Layout

FILE: dict[str, Any] = {"mode": 0o644, "uid": 0, "gid": 0, "mtime": 1}


def archive(entries: Mapping[str, Mapping[str, Any]]) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, fields in entries.items():
            member = tarfile.TarInfo(path)
            content = fields.get("content", b"")
            member.size = len(content)
            for name, value in {**FILE, **fields}.items():
                if name != "content":
                    setattr(member, name, value)
            tar.addfile(member, io.BytesIO(content))
    return data.getvalue()


def image(
    layout: Layout, *layers: Mapping[str, Mapping[str, Any]], **config: Any
) -> dict[str, Any]:
    value = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": []},
        "history": [
            {"created_by": "ENV A=1", "empty_layer": True},
            *({"created_by": f"RUN {number}"} for number, _ in enumerate(layers, start=1)),
        ],
        **config,
    }
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_json(value, CONFIG).to_json(),
        "layers": [layout.add(archive(entries), LAYER).to_json() for entries in layers],
    }


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        ({"content": b"a"}, {"content": b"b"}, "content"),
        ({}, {"mode": 0o600}, "mode"),
        ({}, {"uid": 1000}, "owner"),
        ({}, {"mtime": 2}, "time"),
        ({}, {"pax_headers": {"SCHILY.xattr.security.capability": "x"}}, "attributes"),
        (
            {"type": tarfile.SYMTYPE, "linkname": "a"},
            {"type": tarfile.SYMTYPE, "linkname": "b"},
            "link",
        ),
        ({}, {"type": tarfile.SYMTYPE, "linkname": "b"}, "type, link"),
        ({}, {"type": tarfile.DIRTYPE}, "type"),
    ],
)
def test_each_way_to_differ_has_its_name(
    before: dict[str, Any], after: dict[str, Any], what: str, layout: Layout
) -> None:
    pair = image(layout, {"opt/a": before}), image(layout, {"opt/a": after})
    assert comparison.layers(layout, *pair)[1:] == [f"  opt/a: {what}"]


def test_missing_and_extra_files_and_layers(layout: Layout) -> None:
    same = {"opt/same": FILE}
    before = image(layout, same, {"opt/a": FILE, "opt/b": FILE})
    after = image(layout, same, {"opt/b": FILE, "opt/c": FILE}, {"opt/d": FILE})
    second, missing, extra, third, added = comparison.layers(layout, before, after)
    assert second.startswith("layer 2, sha256:")
    assert second.endswith(", by RUN 2")
    assert (missing, extra) == ("  opt/a: missing", "  opt/c: extra")
    assert third.startswith("layer 3, none and sha256:")
    assert added == "  opt/d: extra"


def test_the_same_files_in_another_order_are_another_layer_without_a_difference(
    layout: Layout,
) -> None:
    before = image(layout, {"opt/a": FILE, "opt/b": FILE})
    after = image(layout, {"opt/b": FILE, "./opt/a": FILE})
    said = comparison.layers(layout, before, after)
    assert said[1:] == ["  the same files, packed in another way"]


def test_equal_images_have_no_difference(layout: Layout) -> None:
    pair = [image(layout, {"opt/a": FILE}) for _ in "12"]
    assert comparison.layers(layout, *pair) == []
    assert comparison.configuration(layout, *pair) == []


def test_settings_labels_and_history_of_the_configuration(layout: Layout) -> None:
    before = image(layout, {}, config={"User": "a", "Labels": {"x": "1", "y": "1"}})
    after = image(layout, {}, config={"User": "b", "Labels": {"x": "1", "z": "1"}})
    told = {
        " ".join(line.split()).rstrip(",")
        for line in comparison.configuration(layout, before, after)
    }
    assert told == {'- "y": "1"', '+ "z": "1"', '- "User": "a"', '+ "User": "b"'}
