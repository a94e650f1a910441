"""A hub that does not come up with what was restored: what was there comes back by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from jhub_testing.backups import Backups
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine
from jhub_testing.waiting import PATIENCE


@pytest.fixture
def backups(engine: Engine, pytestconfig: pytest.Config, place: Path) -> Iterator[Backups]:
    settings = {"JHUB_BACKUP_TO": str(place)}
    with Platform(engine, pytestconfig.rootpath, "hub", settings=settings) as platform:
        yield Backups(platform)


def test_what_was_there_is_put_back(backups: Backups) -> None:
    data = backups.platform.environment["JHUB_DATA_VOLUME"]
    backups.in_volume(data, "echo 'nonsense = 1' > /home-volume/config.toml")
    backups.invoke("backup")
    backups.in_volume(data, "rm /home-volume/config.toml; touch /home-volume/of-today")
    told = backups.refused("restore", "--hub", "--yes", code=1)
    assert "what was there is back" in told
    assert "nonsense" in told, "nobody is told why"
    assert backups.in_volume(data, "ls -A /home-volume").split().count("of-today") == 1
    assert ".jhub-restore" not in backups.in_volume(data, "ls -A /home-volume")
    assert requests.get(f"{backups.platform.url}/hub/login", timeout=PATIENCE).ok
