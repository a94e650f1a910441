"""One platform for all integration tests, with an admin who changed the one-time password."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from jhub_testing.browser import Window, chromium
from jhub_testing.person import MakePerson, Person
from jhub_testing.platforms import Platform
from jhub_testing.resources import Engine

OpenWindow = Callable[[], Window]

collect_ignore = ["drills", "kubernetes", "operations", "release", "swarm"]
"""Sessions of their own: releases are made by maintainers, not met by people; what takes long."""

CONFIG = """
[groups.team]
folders = {data = "read-write"}
environment = {TEAM_URL = "https://team.example"}

[groups.readers]
folders = {data = "read-only"}
"""
"""What cannot be said by a variable: groups that share something (test_groups_share.py)."""


FIRST = (
    # It restarts the engine at its beginning: until then the others have short tests, and wait.
    *("test_isolation", "test_faults", "test_spawning"),
    *("test_restarts", "test_a_folder", "test_up_and_down", "test_runs", "test_backup"),
    *("test_postgres", "test_browser", "test_accessibility"),
    *("test_whole_path", "test_idle_servers", "test_domains"),
)
"""What has to come first, then files that take long: their process would end long after others."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with those, in the same order in each process."""
    place = {name: at for at, name in enumerate(FIRST)}
    items.sort(key=lambda item: place.get(item.path.stem, len(FIRST)))


@pytest.fixture(scope="session")
def platform(engine: Engine, pytestconfig: pytest.Config) -> Iterator[Platform]:
    """Hub and proxy under names of their own, removed at the end with all they made."""
    settings = {
        "JHUB_GROUP_VARIABLES": "TEAM_*",
        "JHUB_EVERYBODY_FOLDER": "read-only",
        "JHUB_TIMEZONE": "Asia/Kolkata",
        "JHUB_LOCALE": "en_GB.UTF-8",
        "JHUB_WEBHOOKS": "http://webhook.test:9000/",  # where test_runs.py has a receiver
        "JHUB_PUBLISH_TO": "public",
        "JHUB_SHARING": "team",
    }
    with Platform(engine, pytestconfig.rootpath, settings=settings, config=CONFIG) as platform:
        yield platform


@pytest.fixture(scope="session")
def admin(platform: Platform) -> Person:
    """The first admin, who had to change the one-time password before anything else."""
    admin = Person(platform.url, "admin", platform.one_time_password())
    answer = admin.log_in()
    assert answer.url.endswith("/hub/change-password"), f"after the log-in: {answer.url}"
    assert not admin.is_logged_in(), "the one-time password opens more than one page"
    assert admin.change_password(secrets.token_urlsafe(12)).ok
    return admin


@pytest.fixture(scope="session")
def make_person(platform: Platform, admin: Person) -> MakePerson:
    """Makes someone who signed up, was approved and has logged in."""
    return lambda name: Person(platform.url, name).join(admin)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, started when the first test needs it."""
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def open_window(browser: Browser, platform: Platform, engine: Engine) -> OpenWindow:
    """Opens a window for somebody, with cookies of its own; pictures are kept as test output."""
    return lambda: Window(browser, platform.url, engine.logs / "screenshots")
