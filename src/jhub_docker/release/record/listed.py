"""A bill of materials read back: the packages it lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from packageurl import PackageURL

DEPENDENCY = "jhub-docker:dependency"
"""Property: `direct` when the image's pyproject.toml names the package, else `indirect`."""

SIZE = "jhub-docker:size"
"""Property: bytes of the package's files as unpacked, at all its places."""


@dataclass(frozen=True, order=True)
class Listed:
    """A package in one version. `direct` is None for what no lock of the image's own names.

    `name` has npm's scope or an extension's publisher in it; `size` is in bytes; `hashes` are
    `SHA-256:…`, of the file for programs, else of the archive the package was installed from.
    """

    kind: str
    name: str
    version: str
    purl: str
    locations: tuple[str, ...]
    direct: bool | None
    size: int
    license: str
    hashes: tuple[str, ...]


def packages(document: Mapping[str, Any]) -> list[Listed]:
    """The packages of a CycloneDX document that `bill_of_materials` made, by kind and name."""
    return sorted(_listed(c) for c in document.get("components", ()) if "purl" in c)


def _listed(component: Mapping[str, Any]) -> Listed:
    purl = PackageURL.from_string(component["purl"])
    properties = {p["name"]: p["value"] for p in component.get("properties", ())}
    separator = "/" if purl.type == "npm" else "."
    grouped = purl.namespace and purl.type != "deb"
    occurrences = component.get("evidence", {}).get("occurrences", ())
    dependency = properties.get(DEPENDENCY)
    return Listed(
        kind=purl.type,
        name=f"{purl.namespace}{separator}{purl.name}" if grouped else purl.name,
        version=purl.version or "",
        purl=component["purl"],
        locations=tuple(sorted(o["location"] for o in occurrences)),
        direct=None if dependency is None else dependency == "direct",
        size=int(properties.get(SIZE, "0")),
        license=", ".join(_license(item) for item in component.get("licenses", ())),
        hashes=tuple(sorted(f"{h['alg']}:{h['content']}" for h in component.get("hashes", ()))),
    )


def _license(item: Mapping[str, Any]) -> str:
    if "expression" in item:
        return str(item["expression"])
    named = item.get("license", {})
    return str(named.get("id") or named.get("name", ""))
