"""Upgrades with something in the way: a hub that ends, and a kill at either half.

Engine, Compose and tasks are real; the hubs only write their release's name into the database. Real
ones, with somebody at work meanwhile, are in integration/operations/test_upgrade.py.
"""

from collections.abc import Iterator

import pytest

from jhub_testing import pretended
from jhub_testing.backups import Backups
from jhub_testing.operator import killed_at
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

HUB, _ = pretended.REPOSITORIES


@pytest.fixture(scope="module")
def releases(engine: Engine, base: str) -> dict[str, str]:
    """Tags of three releases."""
    return {
        release: pretended.images(engine, base, engine.name(release), release)
        for release in ("first", "second", pretended.BROKEN)
    }


@pytest.fixture(scope="module")
def operator(
    engine: Engine, releases: dict[str, str], pytestconfig: pytest.Config
) -> Iterator[Backups]:
    """A platform of the first release, with a tag that builds move."""
    tag = engine.name("built")
    for repository in pretended.REPOSITORIES:
        engine.client.images.get(f"{repository}:{releases['first']}").tag(repository, tag)
    settings = {"JHUB_IMAGE_TAG": tag}
    platform = Platform(engine, pytestconfig.rootpath, "upgrades", settings=settings)
    engine.own_project(platform.project)
    operator = Backups(platform)
    operator.invoke("up", "--no-build")
    yield operator
    engine.remove_project(platform.project)


def build(operator: Backups, release: str) -> None:
    """Move the platform's tag to a release, as a build does."""
    tag = operator.platform.environment["JHUB_IMAGE_TAG"]
    operator.platform.engine.client.images.get(f"{HUB}:{release}").tag(HUB, tag)


def seen(operator: Backups) -> tuple[str, set[str]]:
    """The release of the hub that runs, and those that the database knows."""
    hub = operator.platform.container("hub")
    assert hub.status == "running"
    variables = dict(one.partition("=")[::2] for one in hub.attrs["Config"]["Env"])
    data = operator.platform.environment["JHUB_DATA_VOLUME"]
    return variables["RELEASE"], set(sql(operator, data, "SELECT name FROM users").split())


def sql(operator: Backups, volume: str, statement: str) -> str:
    program = (
        "import sqlite3\n"
        "with sqlite3.connect('/home-volume/jupyterhub.sqlite') as database:\n"
        f"    for row in database.execute({statement!r}): print(*row)"
    )
    return operator.in_volume(volume, f"/opt/hub/bin/python - <<'END'\n{program}\nEND")


def test_a_hub_that_ends_is_replaced_by_the_one_before(
    operator: Backups, releases: dict[str, str]
) -> None:
    proxy = operator.platform.container("proxy").id
    build(operator, releases[pretended.BROKEN])
    told = operator.refused("up", "--no-build", code=1)
    assert "the upgrade failed, and was taken back: the hub cannot start" in told
    assert "the hub's last words" in told
    assert seen(operator) == ("first", {"first"})
    assert "It stays at what was before" in operator.invoke("up", "--no-build")
    assert seen(operator) == ("first", {"first"})
    assert operator.platform.container("proxy").id == proxy


def test_one_that_is_killed_while_it_goes_back_has_gone_back_after_the_next_start(
    operator: Backups, releases: dict[str, str]
) -> None:
    build(operator, releases[pretended.BROKEN])
    killed_at(operator.platform, "Going back", "upgrade", "--no-build")
    again = operator.operator.invoke("up", "--no-build")
    assert again.returncode == 0, again.stderr
    assert "interrupted while it went back" in again.stderr
    assert seen(operator) == ("first", {"first"})


def test_one_that_is_killed_goes_on_and_can_be_taken_back(
    operator: Backups, releases: dict[str, str]
) -> None:
    build(operator, releases["second"])
    killed_at(operator.platform, "starting the platform", "upgrade", "--no-build")
    told = operator.refused("restore", "--hub", "--to", "/nowhere", "--yes")
    assert "was interrupted: finish it first with ./dev invoke up" in told
    again = operator.operator.invoke("up", "--no-build")
    assert again.returncode == 0, again.stderr
    assert "An upgrade was interrupted: going on with it" in again.stderr
    assert seen(operator) == ("second", {"first", "second"})
    assert "accounts made since" in operator.refused("upgrade", "--rollback")
    assert seen(operator) == ("second", {"first", "second"})
    told = operator.invoke("upgrade", "--rollback", "--yes")
    assert "runs again with the database of before" in told
    assert seen(operator) == ("first", {"first"})
    assert "runs already what was before" in operator.refused("upgrade", "--rollback", "--yes")
    newer = f"{operator.platform.project}-before"
    kept = operator.in_volume(newer, "cd /home-volume && ls -A newer* kept")
    assert {"newer.jupyterhub.sqlite", "before.json", "jupyterhub.sqlite"} <= set(kept.split())


def test_what_was_taken_back_can_be_tried_again(
    operator: Backups, releases: dict[str, str]
) -> None:
    build(operator, releases["second"])
    told = operator.invoke("upgrade", "--no-build")
    assert "Upgraded in" in told
    assert "a person is called canary-" in told
    assert seen(operator) == ("second", {"first", "second"})
    operator.invoke("down", "--servers", "--volumes", "--yes")
    images = operator.platform.engine.client.images.list()
    left = [tag for image in images for tag in image.tags]
    assert not [tag for tag in left if tag.endswith(f"-{operator.platform.project}")]
