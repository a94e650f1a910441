"""A checkout with image packages and a git history of its own, in a temporary folder."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jhub_docker.catalog import ledger, load
from jhub_docker.catalog.ledger import Entry
from jhub_docker.release import evidence

LOCK = """\
version = 1

[[package]]
name = "{name}"
version = "{version}"
source = {{ virtual = "." }}
dependencies = [{direct}]
"""


@dataclass
class Checkout:
    """Image packages under git, on the branch `main`."""

    root: Path

    @classmethod
    def make(cls, root: Path) -> "Checkout":
        """An empty one."""
        made = cls(root)
        root.mkdir()
        made.git("init", "-q", "-b", "main")
        return made

    def git(self, *arguments: str) -> str:
        """What git prints."""
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        result = subprocess.run(
            ["git", "-C", str(self.root), *identity, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    def identify(self) -> None:
        """Let git know who commits, as a maintainer's does."""
        self.git("config", "user.name", "T")
        self.git("config", "user.email", "t@example.org")

    def commit(self, message: str) -> str:
        """Commit all there is; returns the commit."""
        self.git("add", ".")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def package(
        self,
        name: str,
        base: str = "debian",
        version: str = "0.1.0",
        locked: dict[str, str] | None = None,
        own: str = "",
        direct: tuple[str, ...] = (),
    ) -> Path:
        """Write an image package; `own` goes into its `[tool.jhub-docker]`."""
        folder = self.root / "packages" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Dockerfile").write_text("FROM base\n")
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "{version}"\ndescription = "An image."\n'
            f'requires-python = ">=3.11"\n\n[tool.jhub-docker]\nbase = "{base}"\n{own}\n'
        )
        (folder / ".dockerignore").write_text(
            "*\n!Dockerfile\n!pyproject.toml\n!uv.lock\n!apt-packages.txt\n!start\n"
        )
        (folder / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n\n### Added\n- A.\n")
        if locked is not None:
            packages = "".join(
                f'\n[[package]]\nname = "{package}"\nversion = "{number}"\n'
                'source = { registry = "index" }\n'
                for package, number in locked.items()
            )
            named = ", ".join(f'{{ name = "{package}" }}' for package in direct)
            (folder / "uv.lock").write_text(
                LOCK.format(name=name, version=version, direct=named) + packages
            )
        return folder

    def release(self, name: str, version: str, build_id: str = "") -> None:
        """Tag HEAD as a release does, with the ledger in it."""
        folder = self.root / "packages" / name
        entries = ledger.read(folder)
        entries[version] = Entry(self.git("rev-parse", "HEAD"), "2026-01-01", build_id, "sha256:0")
        ledger.write(folder, entries)
        self.commit(f"Record {name} {version}")
        self.git("tag", "-a", "-m", f"{name} {version}", f"{name}-v{version}")

    def prove(self, build_ids: Mapping[str, str]) -> None:
        """Write the evidence that integration tests passed with these images, without any."""
        catalog = load(self.root / "packages")
        evidence.write(self.root, {one.name: build_ids[one.name] for one in catalog.published})
