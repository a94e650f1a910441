"""The parts of an image as package URLs, and as vulnerability databases know them."""

import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from jhub_docker.oci.engine import save
from jhub_docker.oci.layout import Layout
from jhub_docker.registry.reference import Reference
from jhub_docker.registry.remote import Remote
from jhub_docker.release.record import inventory
from jhub_docker.release.record.inventory import PROGRAM


@dataclass(frozen=True)
class Part:
    """One part. `ecosystem` is OSV's name for where it comes from, `""` where OSV has none.

    `package` and `package_version` are what advisories speak of: for Debian the source package,
    else the part itself.
    """

    purl: str
    name: str
    version: str
    ecosystem: str
    package: str
    package_version: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What advisories can tell apart: several Debian packages come from one source."""
        return (self.ecosystem, self.package, self.package_version)

    @property
    def kind(self) -> str:
        """The ecosystem, or the type of package URL that no database covers."""
        if not self.version:
            return "unknown version"
        return self.ecosystem or self.purl.removeprefix("pkg:").partition("/")[0]


def read(purls: Iterable[str]) -> list[Part]:
    """The parts of these package URLs (purl-spec), each once, in their order.

    Debian's have qualifiers, as an inventory has them. A part without a version belongs to no
    ecosystem: nothing can be said of it.
    """
    return [_part(purl) for purl in dict.fromkeys(purls)]


def in_engine(image: str) -> list[str]:
    """What is in an image of the engine. Raises ActionError when the engine does not have it."""
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as folder:
        layout, manifest = save(image, Path(folder))
        return _purls(layout, manifest)


def in_registry(remote: Remote, reference: Reference) -> list[str]:
    """What is in an image of a registry, for all its platforms. Raises ActionError as pulls do."""
    with tempfile.TemporaryDirectory(prefix="jhub-docker-audit-") as folder:
        layout = Layout(Path(folder))
        index = remote.pull(reference, layout)
        found = [_purls(layout, manifest) for _, manifest in layout.manifests(index)]
    return list(dict.fromkeys(purl for purls in found for purl in purls))


def _purls(layout: Layout, manifest: Mapping[str, Any]) -> list[str]:
    found = inventory.take(layout, manifest).packages
    return list(dict.fromkeys(one.purl for one in found))


def _part(purl: str) -> Part:
    parsed = PackageURL.from_string(purl)
    name, version = parsed.name, parsed.version or ""
    package, package_version = name, version
    if not version:
        ecosystem = ""
    elif parsed.type == "pypi":
        ecosystem, package = "PyPI", canonicalize_name(name)
    elif parsed.type == "npm":
        name = package = f"{parsed.namespace}/{name}" if parsed.namespace else name
        ecosystem = "npm"
    elif parsed.type == "deb" and parsed.namespace == "debian":
        qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
        package, _, other = qualifiers.get("upstream", name).partition("@")
        package_version = other or version
        release = qualifiers.get("distro", "").removeprefix("debian-").partition(".")[0]
        ecosystem = f"Debian:{release}" if release else ""
    else:  # of the programs one is what advisories about a package are about, too
        ecosystem = "PyPI" if parsed.type == PROGRAM and name == "uv" else ""
    return Part(purl, name, version, ecosystem, package, package_version)
