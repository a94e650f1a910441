"""The files of a package's build context, as Docker would send them, and their hashes."""

import hashlib
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

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
    paths = _exclude_paths()(str(spec.folder), patterns, dockerfile="Dockerfile")
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


def _exclude_paths() -> Callable[..., set[str]]:
    """docker-py's reading of `.dockerignore`, without the rest of docker-py.

    Its `__init__` imports the whole client, which takes longer than a build that has nothing to do
    (see `engine.quick`). So the module is loaded as part of an empty package in its folders.
    """
    docker = find_spec("docker")
    assert docker is not None and docker.origin is not None  # noqa: S101, PT018 - it is locked
    name, folder = f"{__package__}._docker", Path(docker.origin).parent
    if name not in sys.modules:
        for package, place in ((name, folder), (f"{name}.utils", folder / "utils")):
            sys.modules[package] = ModuleType(package)
            sys.modules[package].__path__ = [str(place)]
    exclude_paths: Callable[..., set[str]] = import_module(f"{name}.utils.build").exclude_paths
    return exclude_paths


def _sha256(mode: bytes, content: bytes) -> str:
    return hashlib.sha256(mode + b"\0" + content).hexdigest()
