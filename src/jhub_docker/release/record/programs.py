"""Programs that no package manager of the image knows: Node, uv, a Python built from source.

Their versions are read from what they are, since nothing beside them says it.
"""

import hashlib
import json
import posixpath
import re
import struct
import zlib
from collections.abc import Iterator, Set

from jhub_docker.locks.package import PROGRAM, Package
from jhub_docker.oci.content import Tree

_HEADER = re.compile(r"(?:(.+)/)?include/python3\.\d+/patchlevel\.h")
_PYTHON_VERSION = re.compile(rb'#define\s+PY_VERSION\s+"([^"]+)"')
_NODE_VERSION = re.compile(rb"node\.js/v(\d+\.\d+\.\d+)")
_NAMES = ("node", "uv")
_ELF = b"\x7fELF"


def wanted(path: str) -> bool:
    """Whether a file has to be read."""
    return posixpath.basename(path) in _NAMES or _HEADER.fullmatch(path) is not None


def packages(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    """The programs found, but those of a Debian package (`owned`)."""
    for path, data in tree.contents.items():
        if path in owned:
            continue
        folder, name = posixpath.split(path)
        if header := _HEADER.fullmatch(path):
            version = _text(_PYTHON_VERSION.search(data))
            yield Package(PROGRAM, "python", version, f"/{header[1] or ''}")
        elif name in _NAMES and data.startswith(_ELF):
            node = _text(_NODE_VERSION.search(data)) if name == "node" else _rust_version(data)
            sha256 = hashlib.sha256(data).hexdigest()
            yield Package(PROGRAM, name, node, f"/{folder}", size=len(data), sha256=sha256)


def _text(found: re.Match[bytes] | None) -> str:
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
