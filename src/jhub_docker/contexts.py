"""The files of a package's build context, as Docker would send them, and their hashes."""

import hashlib
from pathlib import Path

from docker.utils.build import exclude_paths

from jhub_docker.catalog import ImageSpec


def hashes(spec: ImageSpec) -> dict[str, str]:
    """Map each file that `.dockerignore` lets through to the sha256 of its mode and content.

    Only the executable bit of the mode counts: git keeps no more, and a build id must be the same
    in every clone.
    """
    ignore = spec.folder / ".dockerignore"
    patterns = [
        line.strip()
        for line in (ignore.read_text(encoding="utf-8").splitlines() if ignore.exists() else ())
        if line.strip() and not line.startswith("#")
    ]
    paths = exclude_paths(str(spec.folder), patterns, dockerfile="Dockerfile")
    files = {}
    for path in sorted(paths):
        file = spec.folder / path
        if file.is_symlink():
            files[Path(path).as_posix()] = _sha256(b"link", str(file.readlink()).encode())
        elif file.is_file():
            mode = b"x" if file.stat().st_mode & 0o100 else b"-"
            files[Path(path).as_posix()] = _sha256(mode, file.read_bytes())
    # Docker always sends these two, so docker-py lists them; only the Dockerfile shapes the image.
    files.pop(".dockerignore", None)
    return files


def _sha256(mode: bytes, content: bytes) -> str:
    return hashlib.sha256(mode + b"\0" + content).hexdigest()
