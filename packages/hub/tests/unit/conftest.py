"""What the hub's unit tests share. No Docker, no network, nothing outside the test's folder."""

import asyncio
import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import concerns, database
from hub_config.audit.journal import Journal
from hub_config.first_start import Places, make_secrets
from hub_config.settings import Settings

from .hub_in_a_box import Box
from .logged import Clock

sys.path.append(str(Path(__file__).parents[1]))  # what tests of the image use, too

# A busy machine draws and tries slowly, which is no fault of what is tested.
hypothesis.settings.register_profile(
    "unhurried", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("unhurried")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine in a loop of its own."""
    if not inspect.iscoroutinefunction(test := pyfuncitem.obj):
        return None
    asyncio.run(
        test(**{name: pyfuncitem.funcargs[name] for name in inspect.signature(test).parameters})
    )
    return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def log(tmp_path: Path, clock: Clock) -> Journal:
    return Journal(tmp_path / "audit", days=30, now=clock)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "data", tmp_path / "proxy", tmp_path / "metrics")
    places.proxy.mkdir()
    make_secrets(places)
    return places


@pytest.fixture
def applied(places: Places) -> Config:
    """The whole configuration with default settings, on a bare Config."""
    c = Config()
    concerns.apply(c, Settings(), places)
    return c


@pytest.fixture
def db() -> Iterator[Session]:
    """A database in memory with JupyterHub's tables and the platform's own."""
    with Session(create_engine("sqlite://")) as session:
        orm.Base.metadata.create_all(session.get_bind())
        database.prepare(session)
        yield session


@pytest.fixture
def new_box(applied: Config, db: Session, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Box:
    """A platform whose hub has just come up."""
    return Box(applied, db, monkeypatch, tmp_path)


@pytest.fixture
def box(new_box: Box) -> Box:
    """The machine's facts are known, as a moment after the hub's start."""

    async def first() -> None:
        await new_box.take_over()
        await new_box.start(new_box.person("zoe"))
        await new_box.person("zoe").stop()

    asyncio.run(first())
    new_box.engine.calls.clear()
    return new_box
