"""Platforms that only have volumes: an operator's bad days need no hub to happen."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jhub_testing.backups import Backups
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

LABEL = "io.jhub-docker"

DATABASE = """
import sqlite3
with sqlite3.connect("/home-volume/jupyterhub.sqlite") as db:
    db.execute("CREATE TABLE platform_home_volumes (volume TEXT PRIMARY KEY, put_aside TEXT)")
    db.executemany("INSERT INTO platform_home_volumes VALUES (?, NULL)", [(one,) for one in HOMES])
"""

FILES = """
cd /home-volume && chmod 750 . && mkdir -p 'a folder/deep' && echo text > 'a folder/deep/x'
ln -s deep/x 'a folder/link' && ln 'a folder/deep/x' hard && mkfifo pipe && : > empty
head -c {size} /dev/urandom > data.bin && chown -Rh 1000:1000 .
echo secret > of-root && chmod 4750 of-root && touch -d 2001-02-03 empty && chmod 2770 'a folder'
"""

MakePlatform = Callable[..., Backups]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder for a repository."""
    return tmp_path / "repository"


@pytest.fixture
def make(engine: Engine, pytestconfig: pytest.Config, place: Path) -> Iterator[MakePlatform]:
    """Makes a platform of this name: with homes of so many bytes, or empty."""
    made: list[Platform] = []

    def make(name: str, *people: str, size: int = 1_000_000, **settings: str) -> Backups:
        settings = {"JHUB_BACKUP_TO": str(place), **settings}
        platform = Platform(engine, pytestconfig.rootpath, name, settings=settings)
        engine.own_project(platform.project)
        made.append(platform)
        backups = Backups(platform)
        if people:
            fill(engine, backups, people, size)
        return backups

    yield make
    for platform in made:
        engine.remove_project(platform.project)


def fill(engine: Engine, backups: Backups, people: tuple[str, ...], size: int) -> None:
    """Make the volumes as the hub does, with files of all kinds, and a database."""
    project, data = backups.platform.project, backups.platform.make_data_volume()
    for number, person in enumerate(people):
        labels = {"platform": project, "user": person, "home": f"word-{person}"}
        labels |= {"owner": str(number), "database": "one"}
        engine.client.volumes.create(
            backups.home(person), labels={f"{LABEL}.{key}": value for key, value in labels.items()}
        )
        backups.in_volume(backups.home(person), FILES.format(size=size))
    homes = [backups.home(person) for person in people]
    image = f"local/jupyterhub-hub:{backups.platform.environment['JHUB_IMAGE_TAG']}"
    mounted = {data: {"bind": "/home-volume"}}
    program = DATABASE.replace("HOMES", repr(homes))
    engine.run(image, ["python3", "-c", program], user="root", volumes=mounted)
    backups.in_volume(data, "chmod 700 /home-volume && chown -R 990:990 /home-volume")
