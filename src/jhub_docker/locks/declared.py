"""The packages of an image as its source declares them: locks and lists of it and of its bases.

That is what two releases can be compared by wherever the repository is. What is really in an image
stands in its bill of materials.
"""

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


def of(catalog: Catalog, name: str) -> Packages:
    """The packages of an image and of the bases it stands on, the image's own version winning."""
    found = Packages()
    for spec in reversed(catalog.lineage(name)):
        python = uv_lock.read(spec.folder / uv_lock.NAME)
        debian = dict.fromkeys(_words(spec.folder / "apt-packages.txt"), "")
        pairs = (word.partition("@") for word in _words(spec.folder / "extensions.txt"))
        extensions = {word: version for word, _, version in pairs}
        for kind, versions, direct in (
            ("", python.versions, python.direct),
            (" (npm)", *package_lock.read(spec.folder / package_lock.NAME)),
            (" (Debian)", debian, set(debian)),
            (" (VS Code)", extensions, set(extensions)),
        ):
            found.versions |= {f"{name}{kind}": version for name, version in versions.items()}
            found.direct |= {f"{name}{kind}" for name in direct}
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
