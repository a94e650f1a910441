"""The bill of materials: valid, reproducible, and in agreement with lock and image."""

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from jhub_docker.catalog import ImageSpec, load
from jhub_docker.errors import ActionError
from jhub_docker.locks import uv_lock
from jhub_docker.locks.resolve import resolve
from jhub_docker.oci.layout import Layout, canonical_json
from jhub_docker.release.record.bom import (
    bill_and_image,
    bill_of_materials,
    packages,
)
from jhub_docker.release.record.inventory import Inventory, take
from jhub_testing import little_images
from jhub_testing.archives import Files
from jhub_testing.little_images import debian, distribution, node_package
from jhub_testing.little_releases import make_checkout

LOCK = """
[[package]]
name = "uv-thing"
version = "1.2.0"
source = { virtual = "." }
dependencies = [
    { name = "web", extra = ["fast"] },
    { name = "windows-only", marker = "sys_platform == 'win32'" },
    { name = "backport", marker = "python_full_version < '3.11.5'" },
]
[package.dev-dependencies]
dev = [{ name = "linter" }]
[[package]]
name = "web"
version = "3.0"
source = { registry = "https://example.org/simple" }
dependencies = [{ name = "sockets" }]
[package.optional-dependencies]
fast = [{ name = "fastjson" }]
slow = [{ name = "slowjson" }]
[[package]]
name = "sockets"
version = "1.1"
source = { registry = "https://example.org/simple" }
[[package]]
name = "fastjson"
version = "0.5"
source = { registry = "https://example.org/simple" }
[[package]]
name = "backport"
version = "0.1"
source = { registry = "https://example.org/simple" }
[[package]]
name = "windows-only"
version = "9"
source = { registry = "https://example.org/simple" }
"""
DIGEST = "sha256:" + "0" * 64
IMAGE = {
    **debian({"bash": "1:5.2-1"}),
    "opt/venv/pyvenv.cfg": b"version_info = 3.11.2\n",
    **distribution("web", "3.0"),
    **distribution("sockets", "1.1"),
    **distribution("fastjson", "0.5"),
    **distribution("backport", "0.1"),
    **node_package("opt/code-server", "code-server", "4.1.0"),
    **node_package("opt/code-server/node_modules/ws", "ws", "8.0.0"),
    **node_package("opt/code-server/node_modules/@a/b", "@a/b", "1.0.0"),
    **node_package("opt/code-server/node_modules/@a/b/node_modules/ws", "ws", "8.0.0"),
    "opt/code-server/lib/node": b"\x7fELF node.js/v24.1.0",
}


def inventory(folder: Path, files: Files = IMAGE) -> Inventory:
    layout = Layout(folder / "layout")
    return take(layout, layout.read_json(little_images.manifest(layout, [files]).digest))


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> ImageSpec:
    packages = make_checkout(tmp_path_factory.mktemp("checkout"))
    (packages / "uv-thing/uv.lock").write_text(LOCK)
    return load(packages)["uv-thing"]


def bill(found: Inventory, spec: ImageSpec) -> dict[str, Any]:
    return bill_of_materials(found, spec, DIGEST, "linux/amd64", 1_700_000_000)


def test_it_is_valid_cyclonedx(tmp_path: Path, spec: ImageSpec) -> None:
    document = bill(inventory(tmp_path), spec)
    assert document["specVersion"] == "1.6"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document)) is None


def test_the_same_image_gives_the_same_bytes(tmp_path: Path, spec: ImageSpec) -> None:
    first = canonical_json(bill(inventory(tmp_path / "1"), spec))
    reordered = dict(reversed(IMAGE.items()))
    assert canonical_json(bill(inventory(tmp_path / "2", reordered), spec)) == first
    assert b"2023-11-14T22:13:20+00:00" in first  # the image's time, and no other


def test_it_lists_each_package_once_with_all_that_is_known(tmp_path: Path, spec: ImageSpec) -> None:
    document = bill(inventory(tmp_path), spec)
    found = {one["name"]: one for one in packages(document)}
    assert [one["purl"] for one in packages(document)] == [
        "pkg:deb/debian/bash@1:5.2-1?arch=amd64&distro=debian-12&upstream=bash",
        "pkg:generic/node@24.1.0",
        "pkg:npm/%40a/b@1.0.0",
        "pkg:npm/code-server@4.1.0",
        "pkg:npm/ws@8.0.0",
        "pkg:pypi/backport@0.1",
        "pkg:pypi/fastjson@0.5",
        "pkg:pypi/sockets@1.1",
        "pkg:pypi/web@3.0",
    ]
    said = {name: one.get("properties", []) for name, one in found.items()}
    assert [said[name] for name in ("web", "sockets", "ws")] == [
        [{"name": "jhub-docker:dependency", "value": "direct"}],
        [{"name": "jhub-docker:dependency", "value": "indirect"}],
        [],
    ]
    assert len(found["node"]["hashes"][0]["content"]) == 64
    assert "hashes" not in found["web"]
    assert [one["location"] for one in found["ws"]["evidence"]["occurrences"]] == [
        "/opt/code-server/node_modules/@a/b/node_modules/ws",
        "/opt/code-server/node_modules/ws",
    ]
    edges = {entry["ref"]: entry.get("dependsOn") for entry in document["dependencies"]}
    assert edges["pkg:pypi/web@3.0"] == ["pkg:pypi/fastjson@0.5", "pkg:pypi/sockets@1.1"]


def test_the_lock_s_markers_choose_for_the_platform() -> None:
    assert list(resolve(uv_lock.parse(LOCK), "3.11.2", "linux/amd64")) == [
        "backport",
        "fastjson",
        "sockets",
        "web",
    ]
    assert list(resolve(uv_lock.parse(LOCK), "3.11.9", "linux/arm64")) == [
        "fastjson",
        "sockets",
        "web",
    ]


def test_an_environment_that_is_not_the_locked_one_is_refused(
    tmp_path: Path, spec: ImageSpec
) -> None:
    files = {path: data for path, data in IMAGE.items() if "sockets" not in path}
    files = {path.replace("web-3.0", "web-3.1"): data for path, data in files.items()}
    metadata = "opt/venv/lib/python3.11/site-packages/web-3.1.dist-info/METADATA"
    files[metadata] = files[metadata].replace(b"3.0", b"3.1")
    files |= distribution("stranger", "1.0")
    with pytest.raises(ActionError) as refused:
        bill(inventory(tmp_path, files), spec)
    assert str(refused.value).endswith(
        "sockets 1.1 is missing; stranger 1.0 is extra; web is 3.1 instead of 3.0"
    )


def test_a_bill_agrees_with_its_own_image_only(tmp_path: Path, spec: ImageSpec) -> None:
    document = bill(inventory(tmp_path / "own"), spec)
    assert bill_and_image(document, inventory(tmp_path / "own")) == []
    other = {path: data for path, data in IMAGE.items() if "@a/b/package.json" not in path}
    other |= debian({"bash": "1:5.2-2", "telnet": "1"})
    other |= distribution("late", "1.0", site="usr/local/lib/python3.11/site-packages")
    other["opt/code-server/lib/node"] = b"\x7fELF node.js/v24.1.0 altered"
    found = bill_and_image(document, inventory(tmp_path / "other", other))
    assert [line.partition("?")[0] for line in found[:2]] == [
        "deb/debian/bash in / is 1:5.2-2",
        "deb/debian/telnet in / 1",
    ]
    assert found[2].startswith("generic/node in /opt/code-server/lib is 24.1.0 ")
    assert found[3:] == [
        "npm/%40a/b in /opt/code-server/node_modules/@a/b 1.0.0 is missing",
        "pypi/late in /usr/local 1.0 is extra",
    ]
