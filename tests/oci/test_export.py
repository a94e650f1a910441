"""What an exported image says of itself, and archives as engines save them."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from jhub_docker.errors import ActionError
from jhub_docker.oci.engine import saved_image
from jhub_docker.oci.export import configuration, index
from jhub_docker.oci.layout import MANIFEST, Descriptor, Layout

EPOCH = 1790000000
COMMITTED = "2026-09-21T14:13:20Z"


def _original(**more: Any) -> dict[str, Any]:
    return {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-11-24T15:20:24.8Z",
        "docker_version": "26",
        "container": "f00",
        "config": {"Hostname": "f00", "User": "nebula", "Labels": {"a": "1", "created": "now"}},
        "rootfs": {"type": "layers", "diff_ids": ["base", "own"]},
        "history": [
            {"created": "then", "created_by": "FROM"},
            {"created": "now", "created_by": "ENV A=1", "empty_layer": True},
            {"created": "now", "created_by": "RUN"},
        ],
        **more,
    }


def _configured(**more: Any) -> dict[str, Any]:
    return configuration(
        _original(**more),
        ["base", "new"],
        epoch=EPOCH,
        labels={"created": "x"},
    )


def test_only_what_the_specification_names_is_taken_over() -> None:
    found = _configured()
    assert found["config"] == {"User": "nebula", "Labels": {"a": "1", "created": "x"}}
    assert set(found) == {"architecture", "os", "created", "config", "rootfs", "history"}


def test_a_label_without_a_value_is_taken_away() -> None:
    found = configuration(_original(), ["base", "new"], epoch=EPOCH, labels={"a": ""})
    assert found["config"]["Labels"] == {"created": "now"}


def test_times_are_the_commits() -> None:
    found = _configured()
    assert found["created"] == COMMITTED
    assert [entry["created"] for entry in found["history"]] == [COMMITTED] * 3


def test_diff_ids_are_those_of_the_layers_made() -> None:
    assert _configured()["rootfs"]["diff_ids"] == ["base", "new"]


def test_an_index_lists_platforms_in_order(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    arm, amd = (Descriptor(MANIFEST, f"sha256:{p}", 1, f"linux/{p}") for p in ("arm64", "amd64"))
    first = index(layout, [arm, amd], {"b": "1", "a": "2"})
    assert first == index(layout, [amd, arm], {"a": "2", "b": "1"})
    found = [d["platform"]["architecture"] for d in layout.read_json(first.digest)["manifests"]]
    assert found == ["amd64", "arm64"]


CONFIG = json.dumps(_original()).encode()


def test_an_archive_since_engine_25_is_read_by_its_index(tmp_path: Path) -> None:
    blobs: dict[str, bytes] = {}

    def add(data: bytes, **more: Any) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"digest": f"sha256:{digest}", **more}

    manifest = {"config": add(CONFIG), "layers": [add(b"one"), add(b"two")]}
    image = add(json.dumps(manifest).encode(), platform={"os": "linux", "architecture": "amd64"})
    proof = add(b'{"layers": []}', platform={"os": "unknown", "architecture": "unknown"})
    elsewhere = {"digest": f"sha256:{'0' * 64}", "platform": {"os": "linux"}}
    inner = add(json.dumps({"manifests": [proof, elsewhere, image]}).encode())
    files = {**blobs, "index.json": json.dumps({"manifests": [inner]}).encode()}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(data)
    layout, found = saved_image(tmp_path)
    assert layout.read(found["config"]["digest"]) == CONFIG
    assert [layout.read(layer["digest"]) for layer in found["layers"]] == [b"one", b"two"]


@pytest.mark.parametrize(
    "files",
    [{}, {"manifest.json": b"[]"}, {"index.json": b'{"manifests": []}'}, {"index.json": b"{"}],
)
def test_an_archive_without_an_image_is_told_in_words(
    files: Mapping[str, bytes], tmp_path: Path
) -> None:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ActionError, match="is no image as Docker Engine"):
        saved_image(tmp_path)
