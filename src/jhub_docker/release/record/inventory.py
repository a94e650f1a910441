"""The packages really in an image, read from its layers: what is there, not what was asked for.

Read are dpkg's database (dpkg(1)), `*.dist-info` and `*.egg-info` of Python (packaging.python.org),
`package.json` of what npm installed and of the editor's extensions, and of programs that no package
manager of the image knows (Node, uv, a Python built from source) what they say of themselves. What
none of these knows is not listed: files that were copied in, libraries linked into a program,
JavaScript that was bundled into a Python wheel.
"""

import csv
import hashlib
import json
import posixpath
import re
import struct
import zlib
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, replace
from email.parser import BytesHeaderParser
from typing import Any

from debian.deb822 import Deb822
from packaging.utils import canonicalize_name

from jhub_docker.host.packages import os_release
from jhub_docker.locks.package import DEBIAN, EDITOR, NODE, PROGRAM, PYTHON, Package
from jhub_docker.oci.content import Tree, read_tree
from jhub_docker.oci.layout import Layout

_DPKG = "var/lib/dpkg/status"
_RELEASE = ("usr/lib/os-release", "etc/os-release")
_LIST = re.compile(r"var/lib/dpkg/info/[^/]+\.list")
_METADATA = re.compile(r"(?:.+/)?[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)")
_BESIDE = re.compile(r"(?:.+/)?(?:[^/]+\.dist-info/RECORD|pyvenv\.cfg)")
_SITE = re.compile(r"(?P<environment>.*)/lib/python(?P<minor>3\.\d+)/site-packages")
# Only what npm installed has the name of its folder; others are parts of a package.
_INSTALLED = re.compile(r"(?:.+/)?node_modules/((?:@[^/]+/)?[^/@.][^/]*)/package\.json")
_CODE_SERVER = re.compile(r"(?:.+/)?code-server/package\.json")
_EXTENSION = re.compile(r"(?:.+/)?extensions/[^/]+/package\.json")
_NODE_FILES = (_INSTALLED, _CODE_SERVER, _EXTENSION)
_HEADER = re.compile(r"(?:(.+)/)?include/python3\.\d+/patchlevel\.h")
_PROGRAM = re.compile(r"(?:.+/)?(?:node|uv)")
_WANTED = (_LIST, _METADATA, _BESIDE, *_NODE_FILES, _HEADER, _PROGRAM)

_BUILT_IN = {"vscode", "jhub-docker"}
"""Publishers of extensions that are a part of code-server, or of the image itself."""


@dataclass(frozen=True)
class Inventory:
    """`distribution` and `release` are os-release's ID and VERSION_ID, e.g. `debian` and `12`."""

    distribution: str
    release: str
    packages: tuple[Package, ...]


def take(layout: Layout, manifest: Mapping[str, Any]) -> Inventory:
    """Read the layers of an image manifest, each once. Raises ActionError for an altered one."""
    tree = read_tree(layout, manifest, _wanted)
    owned = {
        line.removeprefix("/")
        for path in tree.contents
        if _LIST.fullmatch(path)
        for line in _text(tree, path).splitlines()
    }
    found = {*_debian(tree), *_python(tree, owned), *_node(tree, owned), *_programs(tree, owned)}
    release = next((_text(tree, path) for path in _RELEASE if path in tree.contents), "")
    fields = os_release(release)
    return Inventory(fields.get("ID", ""), fields.get("VERSION_ID", ""), tuple(sorted(found)))


def _wanted(path: str) -> bool:
    return path in (_DPKG, *_RELEASE) or any(pattern.fullmatch(path) for pattern in _WANTED)


def _text(tree: Tree, path: str) -> str:
    return tree.contents.get(path, b"").decode(errors="replace")


def _debian(tree: Tree) -> Iterator[Package]:
    for fields in Deb822.iter_paragraphs(_text(tree, _DPKG), use_apt_pkg=False):
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        # `Source` is left out when it has the binary's name, its version when it is the same.
        found = re.fullmatch(r"(\S+)(?: \((\S+)\))?", fields.get("Source", ""))
        source, source_version = found.groups() if found else (name, None)
        yield Package(
            kind=DEBIAN,
            name=name,
            version=version,
            location="/",
            architecture=fields.get("Architecture", ""),
            source=source if source_version in (None, version) else f"{source}@{source_version}",
            size=int(fields.get("Installed-Size", "0")) * 1024,  # Debian policy 5.6.20: KiB
        )


def _python(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    for path, data in tree.contents.items():
        if path in owned or not _METADATA.fullmatch(path):
            continue
        metadata = BytesHeaderParser().parsebytes(data)
        folder = path if path.endswith(".egg-info") else posixpath.dirname(path)
        site = posixpath.dirname(folder)
        place = _SITE.fullmatch(site)
        environment, minor = (place["environment"], place["minor"]) if place else (site, "")
        configuration = _text(tree, f"{environment}/pyvenv.cfg")
        full = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", configuration, re.MULTILINE)
        yield Package(
            kind=PYTHON,
            name=canonicalize_name(str(metadata["Name"])),
            version=str(metadata["Version"]),
            location=f"/{environment}",
            size=_python_size(tree, site, folder, minor),
            python=full[1] if full else minor,
        )


def _python_size(tree: Tree, site: str, folder: str, minor: str) -> int:
    """The bytes of the files in `RECORD`, and of the bytecode made of them."""
    total = 0
    for row in csv.reader(_text(tree, f"{folder}/RECORD").splitlines()):
        path = posixpath.normpath(posixpath.join(site, row[0])) if row else ""
        total += tree.sizes.get(path, 0)
        if path.endswith(".py"):
            place, name = posixpath.split(path)
            bytecode = f"{name[:-3]}.cpython-{minor.replace('.', '')}.pyc"
            total += tree.sizes.get(f"{place}/__pycache__/{bytecode}", 0)
    return total


def _node(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    """What npm installed, code-server itself, and extensions of others."""
    found: dict[str, Package] = {}
    for path, data in tree.contents.items():
        if path in owned or not any(pattern.fullmatch(path) for pattern in _NODE_FILES):
            continue
        try:
            value = json.loads(data)
        except ValueError:
            continue
        if isinstance(value, dict) and (package := _node_package(path, value)):
            found[posixpath.dirname(path)] = package
    sizes = dict.fromkeys(found, 0)  # of what is below a folder and in no other of them
    for path, size in tree.sizes.items():
        folder = posixpath.dirname(path)
        while folder and folder not in sizes:
            folder = posixpath.dirname(folder)
        if folder:
            sizes[folder] += size
    for folder, package in found.items():
        yield replace(package, size=sizes[folder])


def _node_package(path: str, value: dict[str, Any]) -> Package | None:
    name, version, publisher = (value.get(key) for key in ("name", "version", "publisher"))
    if not isinstance(name, str) or not isinstance(version, str):
        return None
    location = f"/{posixpath.dirname(path)}"
    if _INSTALLED.fullmatch(path) or (_CODE_SERVER.fullmatch(path) and name == "code-server"):
        return Package(NODE, name, version, location)
    if _EXTENSION.fullmatch(path) and isinstance(publisher, str) and publisher not in _BUILT_IN:
        return Package(EDITOR, f"{publisher}.{name}".lower(), version, location)
    return None


def _programs(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    """Programs but those of a Debian package; their versions are read from what they are."""
    for path, data in tree.contents.items():
        if path in owned:
            continue
        folder, name = posixpath.split(path)
        if header := _HEADER.fullmatch(path):
            version = _first(rb'#define\s+PY_VERSION\s+"([^"]+)"', data)
            yield Package(PROGRAM, "python", version, f"/{header[1] or ''}")
        elif _PROGRAM.fullmatch(path) and data.startswith(b"\x7fELF"):
            node = name == "node"
            version = _first(rb"node\.js/v(\d+\.\d+\.\d+)", data) if node else _rust_version(data)
            sha256 = hashlib.sha256(data).hexdigest()
            yield Package(PROGRAM, name, version, f"/{folder}", size=len(data), sha256=sha256)


def _first(pattern: bytes, data: bytes) -> str:
    found = re.search(pattern, data)
    return found[1].decode() if found else ""


def _rust_version(data: bytes) -> str:
    """The version of a Rust program's own crate, from the section that cargo-auditable adds.

    Section headers are read as the ELF-64 format has them (elf(5)); empty where there is none.
    """
    try:
        (table,) = struct.unpack_from("<Q", data, 0x28)
        size, count, names = struct.unpack_from("<HHH", data, 0x3A)
        sections = [struct.unpack_from("<IIQQQQ", data, table + i * size) for i in range(count)]
        strings = sections[names][4]
        for name, _, _, _, offset, length in sections:
            start = strings + name
            if data[start : start + 8] == b".dep-v0\0":
                crates = json.loads(zlib.decompress(data[offset : offset + length]))["packages"]
                return next(str(crate["version"]) for crate in crates if crate.get("root"))
    except (struct.error, zlib.error, ValueError, LookupError, StopIteration):
        pass
    return ""
