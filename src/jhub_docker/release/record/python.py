"""Python distributions of an image: `*.dist-info` and `*.egg-info` (packaging.python.org)."""

import csv
import posixpath
import re
from collections.abc import Iterator, Set
from email.message import Message
from email.parser import BytesHeaderParser

from packaging.utils import canonicalize_name

from jhub_docker.locks.package import PYTHON, Package
from jhub_docker.oci.content import Tree

_METADATA = re.compile(r"(?:.+/)?[^/]+(?:\.dist-info/METADATA|\.egg-info/PKG-INFO|\.egg-info)")
_BESIDE = re.compile(r"(?:.+/)?[^/]+\.dist-info/(?:WHEEL|RECORD)")
_SITE = re.compile(r"(?P<environment>.*)/lib/python(?P<minor>3\.\d+)/site-packages")
_CONFIGURATION = "pyvenv.cfg"
_OSI = "License :: OSI Approved :: "


def wanted(path: str) -> bool:
    """Whether a file has to be read."""
    return (
        _METADATA.fullmatch(path) is not None
        or _BESIDE.fullmatch(path) is not None
        or posixpath.basename(path) == _CONFIGURATION
    )


def packages(tree: Tree, owned: Set[str]) -> Iterator[Package]:
    """The distributions, but those that a Debian package brought (`owned`)."""
    for path, data in tree.contents.items():
        if path in owned or not _METADATA.fullmatch(path):
            continue
        metadata = BytesHeaderParser().parsebytes(data)
        folder = path if path.endswith(".egg-info") else posixpath.dirname(path)
        site = posixpath.dirname(folder)
        place = _SITE.fullmatch(site)
        environment = place["environment"] if place else site
        wheel = tree.contents.get(f"{folder}/WHEEL", b"")
        yield Package(
            kind=PYTHON,
            name=canonicalize_name(str(metadata["Name"])),
            version=str(metadata["Version"]),
            location=f"/{environment}",
            license=_license(metadata),
            size=_size(tree, site, folder, place["minor"] if place else ""),
            tags=tuple(sorted(BytesHeaderParser().parsebytes(wheel).get_all("Tag", []))),
            python=_python(tree, environment) or (place["minor"] if place else ""),
        )


def _python(tree: Tree, environment: str) -> str:
    """The full version of the environment's Python, e.g. `3.11.2`."""
    text = tree.contents.get(f"{environment}/{_CONFIGURATION}", b"").decode(errors="replace")
    found = re.search(r"^version(?:_info)?\s*=\s*(\d+\.\d+\.\d+)", text, re.MULTILINE)
    return found[1] if found else ""


def _license(metadata: Message) -> str:
    """Core metadata 2.4 has an SPDX expression; older ones free words, or a classifier."""
    expression = str(metadata.get("License-Expression", "")).strip()
    words = str(metadata.get("License", "")).strip()
    classified = [
        value.removeprefix(_OSI)
        for value in metadata.get_all("Classifier", [])
        if value.startswith(_OSI)
    ]
    if expression:
        return expression
    if words and "\n" not in words and words != "UNKNOWN":  # some have the whole text there
        return words
    return ", ".join(sorted(classified))


def _size(tree: Tree, site: str, folder: str, minor: str) -> int:
    """The bytes of the files in `RECORD`, and of the bytecode made of them."""
    record = tree.contents.get(f"{folder}/RECORD", b"").decode(errors="replace")
    total = 0
    for row in csv.reader(record.splitlines()):
        path = posixpath.normpath(posixpath.join(site, row[0])) if row else ""
        total += tree.sizes.get(path, 0)
        if path.endswith(".py"):
            place, name = posixpath.split(path)
            bytecode = f"{name[:-3]}.cpython-{minor.replace('.', '')}.pyc"
            total += tree.sizes.get(f"{place}/__pycache__/{bytecode}", 0)
    return total
