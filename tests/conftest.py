"""What the library's unit tests share: image packages made in a temporary folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jhub_docker.catalog import Catalog, load

MakePackage = Callable[..., Path]


@pytest.fixture
def make_package(tmp_path: Path) -> MakePackage:
    """Write an image package below `<tmp_path>/packages` and return its folder."""

    def make(name: str, base: str = "debian", own: str = "", project: str = "") -> Path:
        folder = tmp_path / "packages" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "Dockerfile").write_text("FROM base\n")
        (folder / "pyproject.toml").write_text(
            f'[project]\nname = "{name}"\nversion = "1.2.3"\ndescription = "An image."\n{project}\n'
            f'[tool.jhub-docker]\nbase = "{base}"\n{own}\n'
        )
        return folder

    return make


@pytest.fixture
def read(tmp_path: Path) -> Callable[[], Catalog]:
    """Load the catalog of the packages made so far."""
    return lambda: load(tmp_path / "packages")
