"""The parts of an image as vulnerability databases know them, read from package URLs."""

from collections.abc import Iterable
from dataclasses import dataclass

from packageurl import PackageURL
from packaging.utils import canonicalize_name

from jhub_docker.errors import UsageError

CODENAMES = {"11": "bullseye", "12": "bookworm", "13": "trixie", "14": "forky"}
"""Debian's releases: OSV's ecosystems have the number, the archive's suites the name."""

_PUBLISHED_AS = {"code-server": ("npm", "code-server"), "uv": ("PyPI", "uv")}
"""Programs that a bill of materials names generically, and the package advisories are about."""


@dataclass(frozen=True)
class Component:
    """One part. `ecosystem` is OSV's name for where it comes from, `""` where OSV has none.

    `package` and `package_version` are what advisories speak of: for Debian the source package,
    else the part itself. `architecture` is Debian's.
    """

    purl: str
    name: str
    version: str
    ecosystem: str
    package: str
    package_version: str
    architecture: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What advisories can tell apart: several Debian packages come from one source."""
        return (self.ecosystem, self.package, self.package_version)

    @property
    def codename(self) -> str:
        """The Debian release it belongs to, such as `bookworm`; `""` for what is not Debian's."""
        return CODENAMES.get(self.ecosystem.removeprefix("Debian:"), "")

    @property
    def kind(self) -> str:
        """The ecosystem, or the type of package URL that no database covers."""
        if not self.version:
            return "unknown version"
        return self.ecosystem or self.purl.removeprefix("pkg:").partition("/")[0]


def read(purls: Iterable[str]) -> list[Component]:
    """The components of these package URLs (purl-spec), each once, in their order.

    Debian's have the qualifiers `distro` (`debian-12`), `arch` and, where the source package is
    called otherwise, `upstream` (`openssl` or `openssl@3.0.17-1`). A part without a
    version belongs to no ecosystem: nothing can be said of it. Raises UsageError for what is no
    package URL.
    """
    return [_component(purl) for purl in dict.fromkeys(purls)]


def _component(purl: str) -> Component:
    try:
        parsed = PackageURL.from_string(purl)
    except ValueError as error:
        raise UsageError(f"{purl!r} is no package URL: {error}") from None
    name, version = parsed.name, parsed.version or ""
    if not version:
        return Component(purl, name, version, "", name, version)
    if parsed.type == "pypi":
        return Component(purl, name, version, "PyPI", canonicalize_name(name), version)
    if parsed.type == "npm":
        full = f"{parsed.namespace}/{name}" if parsed.namespace else name
        return Component(purl, full, version, "npm", full, version)
    qualifiers = parsed.qualifiers if isinstance(parsed.qualifiers, dict) else {}
    if parsed.type == "deb" and parsed.namespace == "debian":
        source, _, source_version = qualifiers.get("upstream", name).partition("@")
        return Component(
            purl=purl,
            name=name,
            version=version,
            ecosystem=_debian(qualifiers.get("distro", "")),
            package=source,
            package_version=source_version or version,
            architecture=qualifiers.get("arch", ""),
        )
    ecosystem, package = _PUBLISHED_AS.get(name, ("", name))
    return Component(purl, name, version, ecosystem, package, version)


def _debian(distro: str) -> str:
    """OSV's ecosystem of `debian-12`, `bookworm` or `debian-12.9`; `""` when it says neither."""
    numbers = {name: number for number, name in CODENAMES.items()}
    release = distro.removeprefix("debian-").partition(".")[0]
    number = numbers.get(release, release)
    return f"Debian:{number}" if number in CODENAMES else ""
