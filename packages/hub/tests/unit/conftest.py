"""What the hub's unit tests share. No Docker, no network, nothing outside the test's folder."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jupyterhub import orm
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from traitlets.config import Config

from hub_config import concerns, database
from hub_config.first_start import Places, make_secrets
from hub_config.settings import Settings


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(data=tmp_path / "data", proxy=tmp_path / "proxy")
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
