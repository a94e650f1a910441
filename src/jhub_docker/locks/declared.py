"""The packages of an image as its source declares them: locks and lists of it and of its bases.

That is what two releases can be compared by wherever the repository is. What is really in an image
stands in its bill of materials.
"""

from pathlib import Path

from jhub_docker.catalog import Catalog
from jhub_docker.locks import Packages, package_lock, uv_lock


def of(catalog: Catalog, name: str) -> Packages:
    """The packages of an image and of the bases it stands on, the image's own version winning.

    Debian's have no version, since Debian's archive decides it in the build. Python packages have
    their plain name, others say what they are: `code-server (npm)`.
    """
    found = Packages()
    for spec in reversed(catalog.lineage(name)):
        debian = dict.fromkeys(_words(spec.folder / "apt-packages.txt"), "")
        pairs = (word.partition("@") for word in _words(spec.folder / "extensions.txt"))
        extensions = {word: version for word, _, version in pairs}
        for kind, own in (
            ("", uv_lock.read(spec.folder / uv_lock.NAME).pinned),
            (" (npm)", package_lock.read(spec.folder / package_lock.NAME)),
            (" (Debian)", Packages(debian, set(debian))),
            (" (VS Code)", Packages(extensions, set(extensions))),
        ):
            found.versions |= {f"{name}{kind}": version for name, version in own.versions.items()}
            found.direct |= {f"{name}{kind}" for name in own.direct}
    return found


def _words(file: Path) -> list[str]:
    """The first word of each line that is no comment; none where there is no such file."""
    if not file.exists():
        return []
    lines = file.read_text(encoding="utf-8").splitlines()
    return [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
