"""What of an image's layers counts as a package, and what does not."""

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.oci.layout import Layout
from jhub_docker.release.record.inventory import Inventory, Package, take
from jhub_testing import little_images
from jhub_testing.archives import Files
from jhub_testing.little_images import debian, distribution, node_package

SITE = "opt/venv/lib/python3.11/site-packages"
Read = Callable[..., Inventory]


@pytest.fixture
def inventory(tmp_path: Path) -> Read:
    def read(*layers: Files) -> Inventory:
        layout = Layout(tmp_path / "layout")
        made = little_images.manifest(layout, layers)
        return take(layout, layout.read_json(made.digest))

    return read


def names(found: Inventory) -> list[str]:
    return [f"{p.purl.removeprefix('pkg:')} {p.location}" for p in found.packages]


def one(found: Inventory) -> Package:
    (package,) = found.packages
    return package


def test_debian_packages_carry_their_source_package(inventory: Read) -> None:
    files = debian({"bash": "5.2-1"})
    files["var/lib/dpkg/status"] += (
        b"\nPackage: libc6\nSource: glibc\nStatus: install ok installed\nArchitecture: amd64\n"
        b"Version: 2.36-9\n\nPackage: perl-base\nSource: perl (5.36.0-7)\nArchitecture: amd64\n"
        b"Status: install ok installed\nVersion: 5.36.0-7+b1\n\n"
        b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n"
    )
    found = inventory(files)
    assert (found.distribution, found.release) == ("debian", "12")
    assert [(p.url.name, p.url.version, p.url.qualifiers["upstream"]) for p in found.packages] == [
        ("bash", "5.2-1", "bash"),
        ("libc6", "2.36-9", "glibc"),
        ("perl-base", "5.36.0-7+b1", "perl@5.36.0-7"),
    ]


def test_python_packages_carry_their_environment(inventory: Read) -> None:
    files = distribution("Big_Data", "2.0")
    files["opt/venv/pyvenv.cfg"] = b"home = /usr/local/bin\nversion_info = 3.11.2\n"
    package = one(inventory(files))
    assert (package.purl, package.location) == ("pkg:pypi/big-data@2.0", "/opt/venv")
    assert package.python == "3.11.2"


def test_an_egg_info_is_a_python_package(inventory: Read) -> None:
    assert names(inventory({f"{SITE}/old.egg-info": b"Name: old\nVersion: 0.1\n"})) == [
        "pypi/old@0.1 /opt/venv"
    ]


def test_python_of_a_debian_package_is_counted_once(inventory: Read) -> None:
    place = "usr/lib/python3/dist-packages/six-1.16.egg-info"
    files = debian({"python3-six": "1.16-4"}) | {
        place: b"Name: six\nVersion: 1.16\n",
        "var/lib/dpkg/info/python3-six.list": f"/.\n/{place}\n".encode(),
    }
    assert names(inventory(files)) == [
        "deb/debian/python3-six@1.16-4?arch=amd64&distro=debian-12&upstream=python3-six /"
    ]


def test_node_packages_are_what_npm_installed(inventory: Read) -> None:
    tree = "opt/code-server"
    files = {
        **node_package(tree, "code-server", "4.1.0"),
        **node_package(f"{tree}/node_modules/ws", "ws", "8.0.0"),
        **node_package(f"{tree}/node_modules/@a/b", "@a/b", "1.0.0"),
        **node_package(f"{tree}/node_modules/@a/b/node_modules/ws", "ws", "7.0.0"),
        **node_package(f"{tree}/node_modules/ws/dist/esm", "ws-part", "8.0.0"),
        **node_package(f"{tree}/lib/vscode/extensions/git", "git", "1.0.0", publisher="vscode"),
        **node_package(
            f"{tree}/lib/vscode/extensions/ms-python.python-1", "python", "2026.4.0",
            publisher="ms-python",
        ),
        f"{tree}/node_modules/bom/package.json": b'\xef\xbb\xbf{"name": "bom", "version": "1"}',
        "usr/share/broken/node_modules/x/package.json": b"{",
    }  # fmt: skip
    found = inventory(files)
    assert names(found) == [
        "npm/%40a/b@1.0.0 /opt/code-server/node_modules/@a/b",
        "npm/bom@1 /opt/code-server/node_modules/bom",
        "npm/code-server@4.1.0 /opt/code-server",
        "npm/ws@7.0.0 /opt/code-server/node_modules/@a/b/node_modules/ws",
        "npm/ws@8.0.0 /opt/code-server/node_modules/ws",
        "vscode-extension/ms-python/python@2026.4.0 "
        "/opt/code-server/lib/vscode/extensions/ms-python.python-1",
    ]


def test_programs_tell_their_version_themselves(inventory: Read) -> None:
    node = b"\x7fELF....\0node.js/v24.1.0\0"
    found = inventory({
        "opt/x/lib/node": node,
        "usr/local/bin/uv": elf_with_crates({"uv": "0.13.9"}),
        "usr/local/include/python3.11/patchlevel.h": b'#define PY_VERSION  "3.11.14"\n',
        "home/x/node": b"#!/bin/sh\n",
    })  # fmt: skip
    assert names(found) == [
        "generic/node@24.1.0 /opt/x/lib",
        "generic/python@3.11.14 /usr/local",
        "generic/uv@0.13.9 /usr/local/bin",
    ]


def elf_with_crates(crates: dict[str, str]) -> bytes:
    """The least ELF-64 file with cargo-auditable's section; the first crate is the program's."""
    entries = [{"name": n, "version": v, "root": i == 0} for i, (n, v) in enumerate(crates.items())]
    data = zlib.compress(json.dumps({"packages": entries}).encode())
    strings = b"\0.dep-v0\0"
    header = bytearray(64)
    header[:4] = b"\x7fELF"
    table = 64 + len(data) + len(strings)
    struct.pack_into("<Q", header, 0x28, table)
    struct.pack_into("<HHH", header, 0x3A, 64, 2, 1)
    sections = [(1, 64, len(data)), (0, 64 + len(data), len(strings))]
    rows = b"".join(struct.pack("<IIQQQQ24x", n, 1, 0, 0, o, s) for n, o, s in sections)
    return bytes(header) + data + strings + rows


def test_an_upgrade_in_a_higher_layer_counts_once(inventory: Read) -> None:
    old = distribution("thing", "1.0")
    removed = {f"{SITE}/.wh.thing-1.0.dist-info": b""}
    assert names(inventory(old, removed | distribution("thing", "2.0"))) == [
        "pypi/thing@2.0 /opt/venv"
    ]


@pytest.mark.parametrize(
    "layer",
    [{"opt/.wh.venv": b""}, {"opt/.wh..wh..opq": b""}, {"opt/venv": "/usr"}, {"opt/venv": b"x"}],
    ids=["removed", "opaque", "link", "file"],
)
def test_what_a_higher_layer_hides_is_not_in_the_image(layer: Files, inventory: Read) -> None:
    assert inventory(distribution("thing", "1.0"), layer).packages == ()
