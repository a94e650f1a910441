"""The packages of an image as its source declares them: locks and lists of it and of its bases.

That is what two releases can be compared by wherever the repository is. What is really in an image
stands in its bill of materials.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_docker.locks import package_lock, uv_lock
from jhub_docker.locks.refresh import Change, diff


@dataclass
class Packages:
    """Version by name; Debian's have none, since Debian's archive decides it in the build.

    Python packages have their plain name, others say what they are: `code-server (npm)`.
    """

    versions: dict[str, str] = field(default_factory=dict)
    direct: set[str] = field(default_factory=set)

    def add(self, versions: Mapping[str, str], direct: Set[str], kind: str = "") -> None:
        """Take packages over, with their kind after the name."""
        suffix = f" ({kind})" if kind else ""
        self.versions |= {f"{name}{suffix}": version for name, version in versions.items()}
        self.direct |= {f"{name}{suffix}" for name in direct}


def of(catalog: Catalog, name: str) -> Packages:
    """The packages of an image and of the bases it stands on, the image's own version winning."""
    found = Packages()
    for spec in reversed(catalog.lineage(name)):
        python = uv_lock.read(spec.folder / uv_lock.NAME)
        found.add(python.versions, python.direct)
        node = package_lock.read(spec.folder / package_lock.NAME)
        found.add(node.versions, node.direct, "npm")
        debian = dict.fromkeys(_words(spec.folder / "apt-packages.txt"), "")
        found.add(debian, set(debian), "Debian")
        extensions = {
            word.partition("@")[0]: word.partition("@")[2]
            for word in _words(spec.folder / "extensions.txt")
        }
        found.add(extensions, set(extensions), "VS Code")
    return found


def changes(before: Packages, after: Packages) -> list[Change]:
    """What differs, direct packages first."""
    return diff(before.versions, after.versions, before.direct | after.direct)


def _words(file: Path) -> list[str]:
    """The first word of each line that is no comment; none where there is no such file."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
