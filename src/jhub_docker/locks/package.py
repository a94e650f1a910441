"""A package found in an image, of whatever kind."""

from dataclasses import dataclass

from packageurl import PackageURL

DEBIAN = "deb"
PYTHON = "pypi"
NODE = "npm"
EDITOR = "vscode-extension"
PROGRAM = "generic"
"""The kinds, named by their types of package URL (purl-spec, PURL-TYPES). `generic` is a program
that no package manager of the image knows."""


@dataclass(frozen=True, order=True)
class Package:
    """One package, as the image itself says it.

    `name` is normalised as its kind's registry does it. `location` is the folder that holds it: for
    Python the environment, for Debian `/`, else the package's own. `source` is Debian's source
    package, with `@version` where that differs. `sha256` and an unknown version (empty) occur for
    programs only, `python` (its full version) for Python's.
    """

    kind: str
    name: str
    version: str
    location: str
    architecture: str = ""
    source: str = ""
    sha256: str = ""
    python: str = ""


def package_url(package: Package, distribution: str, release: str) -> PackageURL:
    """The package URL, in the form vulnerability databases and scanners know it.

    Debian: `upstream` is the source package, as syft writes it, since Debian's security records
    are by source package.
    """
    name, version = package.name, package.version or None
    namespace, qualifiers = None, {}
    if package.kind == DEBIAN:
        namespace = distribution
        qualifiers = {
            "arch": package.architecture,
            "distro": f"{distribution}-{release}",
            "upstream": package.source,
        }
    elif package.kind == NODE and "/" in name:
        namespace, _, name = name.partition("/")
    elif package.kind == EDITOR:
        namespace, _, name = name.partition(".")
    return PackageURL(package.kind, namespace, name, version, qualifiers)
