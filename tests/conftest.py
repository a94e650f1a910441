"""What the library's unit tests share: image packages made in a temporary folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jhub_docker import engine
from jhub_docker.catalog import Catalog, load
from jhub_docker.engine import address

MakePackage = Callable[..., Path]
Pretend = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def engine_of_its_own() -> None:
    """What a test's environment says of the engine holds, though another one has spoken to it."""
    address.client.cache_clear()


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """Have the library speak with this in place of the engine's client."""

    def speak(client: Any) -> Any:
        monkeypatch.setattr(engine, "client", lambda: client)
        monkeypatch.setattr(engine, "api", lambda: client.api)
        return client

    return speak


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
