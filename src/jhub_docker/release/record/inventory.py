"""The packages really in an image, read from its layers: what is there, not what was asked for.

Read are dpkg's database (dpkg(1)), `*.dist-info` and `*.egg-info` of Python (packaging.python.org),
`package.json` of what npm installed and of the editor's extensions, and of programs that no package
manager of the image knows (Node, uv, a Python built from source) what they say of themselves. What
none of these knows is not listed: files that were copied in, libraries linked into a program,
JavaScript that was bundled into a Python wheel.
"""

import codecs
import hashlib
import json
import posixpath
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from functools import cached_property
from typing import Any

import msgspec
from debian.deb822 import Deb822
from msgspec import Struct
from packageurl import PackageURL
from packaging.utils import canonicalize_name

from jhub_docker.host.packages import os_release
from jhub_docker.oci.content import read_files
from jhub_docker.oci.layout import Layout

DEBIAN = "deb"
PYTHON = "pypi"
NODE = "npm"
EDITOR = "vscode-extension"
PROGRAM = "generic"
"""The kinds, named by their types of package URL (purl-spec, PURL-TYPES). `generic` is a program
that no package manager of the image knows."""

_DPKG = "var/lib/dpkg/status"
_RELEASE = ("usr/lib/os-release", "etc/os-release")
_LIST = re.compile(r"var/lib/dpkg/info/[^/]+\.list")
_METADATA = re.compile(r"(?:.+/)?[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)")
_CONFIGURATION = re.compile(r"(?:.+/)?pyvenv\.cfg")
_SITE = re.compile(r"(?P<environment>.*)/lib/python(?P<minor>3\.\d+)/site-packages")
# Only what npm installed has the name of its folder; others are parts of a package.
_INSTALLED = re.compile(r"(?:.+/)?node_modules/((?:@[^/]+/)?[^/@.][^/]*)/package\.json")
_CODE_SERVER = re.compile(r"(?:.+/)?code-server/package\.json")
_EXTENSION = re.compile(r"(?:.+/)?extensions/[^/]+/package\.json")
_NODE_FILES = (_INSTALLED, _CODE_SERVER, _EXTENSION)
_HEADER = re.compile(r"(?:(.+)/)?include/python3\.\d+/patchlevel\.h")
_PROGRAM = re.compile(r"(?:.+/)?(?:node|uv)")
_WANTED = (_LIST, _METADATA, _CONFIGURATION, *_NODE_FILES, _HEADER, _PROGRAM)

_BUILT_IN = (None, "vscode", "jhub-docker")
"""Publishers of extensions that are a part of code-server, or of the image itself."""

Files = Mapping[str, bytes]
"""Contents by path."""


@dataclass(frozen=True, order=True)
class Package:
    """One package, as the image itself says it.

    `purl` is its package URL, in the form vulnerability databases and scanners know it. `location`
    is the folder that holds it: for Python the environment, for Debian `/`, else the package's own.
    `sha256` and a version that is not known occur for programs only, `python` (its full version)
    for Python's.
    """

    purl: str
    location: str
    sha256: str = ""
    python: str = ""

    @cached_property
    def url(self) -> PackageURL:
        """The package URL in its parts."""
        return PackageURL.from_string(self.purl)

    @property
    def told(self) -> tuple[str, str]:
        """Kind, name and place, e.g. `pypi/pandas in /opt/venv`, and version and hash."""
        name, _, version = self.purl.removeprefix("pkg:").partition("@")
        said = f"{version or 'of unknown version'} {self.sha256[:12]}".strip()
        return f"{name} in {self.location}", said


@dataclass(frozen=True)
class Inventory:
    """`distribution` and `release` are os-release's ID and VERSION_ID, e.g. `debian` and `12`."""

    distribution: str
    release: str
    packages: tuple[Package, ...]


def take(layout: Layout, manifest: Mapping[str, Any]) -> Inventory:
    """Read the layers of an image manifest, each once. Raises ActionError for an altered one."""
    files = read_files(layout, manifest, _wanted)
    owned = {
        line.removeprefix("/")
        for path in files
        if _LIST.fullmatch(path)
        for line in _text(files, path).splitlines()
    }
    others = {path: data for path, data in files.items() if path not in owned}
    fields = os_release(next((_text(files, path) for path in _RELEASE if path in files), ""))
    system = fields.get("ID", ""), fields.get("VERSION_ID", "")
    found = {*_debian(files, *system), *_python(others), *_node(others), *_programs(others)}
    return Inventory(*system, tuple(sorted(found)))


def _wanted(path: str) -> bool:
    return path in (_DPKG, *_RELEASE) or any(pattern.fullmatch(path) for pattern in _WANTED)


def _purl(kind: str, namespace: str, name: str, version: str, **qualifiers: str) -> str:
    return PackageURL(kind, namespace, name, version, qualifiers).to_string()


def _text(files: Files, path: str) -> str:
    return files.get(path, b"").decode(errors="replace")


def _debian(files: Files, distribution: str, release: str) -> Iterator[Package]:
    for fields in Deb822.iter_paragraphs(_text(files, _DPKG), use_apt_pkg=False):
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        # `Source` is left out when it has the binary's name, its version when it is the same.
        found = re.fullmatch(r"(\S+)(?: \((\S+)\))?", fields.get("Source", ""))
        source, source_version = found.groups() if found else (name, None)
        # Debian's security records are by source package; it stands where syft writes it.
        purl = _purl(
            DEBIAN,
            distribution,
            name,
            version,
            arch=fields.get("Architecture", ""),
            distro=f"{distribution}-{release}",
            upstream=source if source_version in (None, version) else f"{source}@{source_version}",
        )
        yield Package(purl, "/")


def _python(files: Files) -> Iterator[Package]:
    for path, data in files.items():
        if not _METADATA.fullmatch(path):
            continue
        metadata = BytesHeaderParser().parsebytes(data)
        folder = path if path.endswith(".egg-info") else posixpath.dirname(path)
        site = posixpath.dirname(folder)
        place = _SITE.fullmatch(site)
        environment, minor = (place["environment"], place["minor"]) if place else (site, "")
        configuration = _text(files, f"{environment}/pyvenv.cfg")
        full = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", configuration, re.MULTILINE)
        name = canonicalize_name(str(metadata["Name"]))
        purl = _purl(PYTHON, "", name, str(metadata["Version"]))
        yield Package(purl, f"/{environment}", python=full[1] if full else minor)


class _Manifest(Struct):
    """What counts of a package.json."""

    name: str
    version: str
    publisher: Any = None


def _node(files: Files) -> Iterator[Package]:
    """What npm installed, code-server itself, and extensions of others."""
    for path, data in files.items():
        if not any(pattern.fullmatch(path) for pattern in _NODE_FILES):
            continue
        try:
            found = msgspec.json.decode(data.removeprefix(codecs.BOM_UTF8), type=_Manifest)
        except msgspec.DecodeError:
            continue
        location, name = f"/{posixpath.dirname(path)}", found.name
        if _INSTALLED.fullmatch(path) or (_CODE_SERVER.fullmatch(path) and name == "code-server"):
            scope, _, bare = name.rpartition("/")
            yield Package(_purl(NODE, scope, bare, found.version), location)
        elif _EXTENSION.fullmatch(path) and found.publisher not in _BUILT_IN:
            purl = _purl(EDITOR, str(found.publisher).lower(), name.lower(), found.version)
            yield Package(purl, location)


def _programs(files: Files) -> Iterator[Package]:
    """Programs but those of a Debian package; their versions are read from what they are."""
    for path, data in files.items():
        folder, name = posixpath.split(path)
        if header := _HEADER.fullmatch(path):
            version = _first(rb'#define\s+PY_VERSION\s+"([^"]+)"', data)
            yield Package(_purl(PROGRAM, "", "python", version), f"/{header[1] or ''}")
        elif _PROGRAM.fullmatch(path) and data.startswith(b"\x7fELF"):
            node = name == "node"
            version = _first(rb"node\.js/v(\d+\.\d+\.\d+)", data) if node else _rust_version(data)
            sha256 = hashlib.sha256(data).hexdigest()
            yield Package(_purl(PROGRAM, "", name, version), f"/{folder}", sha256=sha256)


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
