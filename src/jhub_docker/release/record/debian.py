"""Debian packages of an image, as dpkg's own database has them (dpkg(1), `/var/lib/dpkg`)."""

import re
from collections.abc import Iterator

from jhub_docker.locks.package import DEBIAN, Package
from jhub_docker.oci.content import Tree

STATUS = "var/lib/dpkg/status"
_LIST = re.compile(r"var/lib/dpkg/info/[^/]+\.list")
_COPYRIGHT = re.compile(r"usr/share/doc/([^/]+)/copyright")
_RELEASE = ("usr/lib/os-release", "etc/os-release")


def wanted(path: str) -> bool:
    """Whether a file has to be read."""
    return (
        path == STATUS
        or path in _RELEASE
        or _LIST.fullmatch(path) is not None
        or _COPYRIGHT.fullmatch(path) is not None
    )


def distribution(tree: Tree) -> tuple[str, str]:
    """`ID` and `VERSION_ID` of os-release(5), e.g. `debian` and `12`; empty where there is none."""
    data = next((tree.contents[path] for path in _RELEASE if path in tree.contents), b"")
    fields = dict(
        line.split("=", 1) for line in data.decode(errors="replace").splitlines() if "=" in line
    )
    return fields.get("ID", "").strip("\"'"), fields.get("VERSION_ID", "").strip("\"'")


def owned(tree: Tree) -> set[str]:
    """The files that belong to Debian packages."""
    return {
        line.removeprefix("/")
        for path, data in tree.contents.items()
        if _LIST.fullmatch(path)
        for line in data.decode(errors="replace").splitlines()
    }


def packages(tree: Tree) -> Iterator[Package]:
    """The installed packages."""
    status = tree.contents.get(STATUS, b"").decode(errors="replace")
    for paragraph in status.split("\n\n"):
        fields = _fields(paragraph)
        if not fields.get("Status", "").endswith(" installed"):
            continue
        name, version = fields["Package"], fields["Version"]
        copyright_file = tree.contents.get(f"usr/share/doc/{name}/copyright", b"")
        yield Package(
            kind=DEBIAN,
            name=name,
            version=version,
            location="/",
            architecture=fields.get("Architecture", ""),
            license=_licenses(copyright_file.decode(errors="replace")),
            source=_source(name, version, fields.get("Source", "")),
            size=int(fields.get("Installed-Size", "0")) * 1024,  # Debian policy 5.6.20: KiB
        )


def _fields(paragraph: str) -> dict[str, str]:
    lines = (line for line in paragraph.splitlines() if not line.startswith((" ", "\t")))
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _source(name: str, version: str, field: str) -> str:
    """`Source` is left out when it has the binary's name, its version in brackets when equal."""
    found = re.fullmatch(r"(\S+)(?: \((\S+)\))?", field)
    source, source_version = found.groups() if found else (name, None)
    return f"{source}@{source_version}" if source_version not in (None, version) else str(source)


def _licenses(text: str) -> str:
    """The licences' short names, where the file is a machine-readable one (DEP-5)."""
    if not text.startswith("Format:"):
        return ""
    names = {line[8:].strip() for line in text.splitlines() if line.startswith("License:")}
    return ", ".join(sorted(names - {""}))
