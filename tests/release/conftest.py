"""A checkout with image packages and a history of its own, in a temporary folder."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from jhub_docker.release import ledger
from jhub_docker.release.ledger import Entry

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
    """Image packages under git."""

    root: Path

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=T", "-c", "user.email=t@example.org"]
        result = subprocess.run(
            ["git", "-C", str(self.root), *identity, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return result.stdout.strip()

    def commit(self, message: str) -> str:
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


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """An empty checkout on the branch `main`."""
    made = Checkout(tmp_path / "checkout")
    made.root.mkdir()
    made.git("init", "-q", "-b", "main")
    return made
