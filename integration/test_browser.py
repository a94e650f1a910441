"""The same path in a real browser: what a person sees, kept as screenshots.

The pictures are below `.test-logs/screenshots/`.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator

from jhub_docker.testing.browser import Window, chromium
from jhub_docker.testing.person import Person
from jhub_docker.testing.platforms import Platform
from jhub_docker.testing.resources import Engine


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def window(browser: Browser, platform: Platform, engine: Engine) -> Window:
    return Window(browser, platform.url, engine.logs / "screenshots")


def interface(window: Window, image: str) -> Locator:
    """Something that is there once the interface of an image is drawn."""
    page = window.page
    match image:
        case "uv-lab":
            return page.get_by_role("region", name="notebook content").or_(
                page.get_by_text("Launcher", exact=True)
            )
        case "uv-vscode":
            return page.get_by_role("tree", name="Files Explorer").or_(
                page.get_by_role("tab", name="Explorer")
            )
        case _:
            return page.get_by_role("heading").or_(page.get_by_role("main"))


def test_person_in_a_browser(window: Window, platform: Platform, admin: Person) -> None:
    page = window.page
    person = Person(platform.url, "viewer")
    window.open("/hub/signup")
    page.get_by_label("Username").fill(person.name)
    page.get_by_label("Password:").fill(person.password)
    page.get_by_label("Password again").fill(person.password)
    page.get_by_role("button", name="Sign up").click()
    window.see(page.get_by_role("status"), "signed-up")
    assert admin.approve(person.name).ok

    window.open("/")
    page.get_by_label("Username").fill(person.name)
    page.get_by_role("textbox", name="Password").fill(person.password)
    window.see(page.get_by_role("button", name="Sign in"), "login").click()
    window.see(page.get_by_role("button", name="Logout"), "logged-in")
    for cookie in window.context.cookies():
        person.session.cookies.set(cookie["name"], cookie["value"], path=cookie["path"])

    for image in ("uv-lab", "uv-vscode", "uv-marimo"):
        window.open("/hub/spawn")
        window.see(page.locator(f"input[value={image}-small]"), "profiles").check()
        page.get_by_role("button", name="Start").click()
        window.see(interface(window, image), image)
        assert "Build with Agent" not in page.content(), "no AI features were asked for"
        page.goto("about:blank")
        person.stop()
