"""The same path in a real browser: what a person sees, kept as screenshots.

The pictures are below `.test-logs/screenshots/`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from jhub_docker.testing.browser import chromium
from jhub_docker.testing.person import Person
from jhub_docker.testing.platforms import Platform
from jhub_docker.testing.resources import Engine
from jhub_docker.testing.waiting import wait_until

VISIBLE = {
    "uv-lab": ".jp-Launcher-body",
    "uv-vscode": ".monaco-workbench .explorer-viewlet, .monaco-workbench .part.editor",
    "uv-marimo": "#root main, #root [data-testid], #root h1",
}
"""An element that is there once the interface is drawn, by image."""

Look = Callable[[str, str], None]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        yield window


@pytest.fixture
def look(browser: Chrome, engine: Engine) -> Look:
    """Waits until an element is visible, then keeps a picture of the window."""
    folder: Path = engine.logs / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)

    def look(selector: str, name: str) -> None:
        lines: list[str] = []

        def visible() -> bool:
            entries = browser.get_log("browser")  # type: ignore[no-untyped-call]
            new = [str(entry["message"]) for entry in entries]
            lines.extend(new)
            if any("ERR_NETWORK_CHANGED" in line for line in new):
                # A container came or went on this machine, and Chromium dropped its requests.
                browser.refresh()
            return any(
                element.is_displayed()
                for element in browser.find_elements(By.CSS_SELECTOR, selector)
            )

        try:
            wait_until(
                visible,
                90,
                f"{selector} to be seen at {browser.current_url}",
                ignoring=(NoSuchElementException, StaleElementReferenceException),
            )
        finally:
            browser.save_screenshot(str(folder / f"{name}.png"))
            (folder / f"{name}.console.txt").write_text("\n".join(lines))

    return look


def _type(browser: Chrome, **fields: str) -> None:
    for name, value in fields.items():
        browser.find_element(By.NAME, name).send_keys(value)
    browser.find_element(By.CSS_SELECTOR, "form input[type=submit]").click()


def test_person_in_a_browser(
    browser: Chrome, look: Look, platform: Platform, admin: Person
) -> None:
    person = Person(platform.url, "viewer")
    browser.get(f"{platform.url}/hub/signup")
    _type(
        browser,
        username=person.name,
        signup_password=person.password,
        signup_password_confirmation=person.password,
    )
    look(".alert-success", "signed-up")
    assert admin.approve(person.name).ok

    browser.get(platform.url)
    look("#username_input", "login")
    _type(browser, username=person.name, password=person.password)
    look("a#start, input[name=profile]", "logged-in")
    for cookie in browser.get_cookies():
        person.session.cookies.set(cookie["name"], cookie["value"], path=cookie["path"])

    for image, selector in VISIBLE.items():
        browser.get(f"{platform.url}/hub/spawn")
        look("input[name=profile]", "profiles")
        # By keyboard: the page scrolls smoothly, so a click may come while its target still moves.
        choice = browser.find_element(By.CSS_SELECTOR, f"input[value={image}-small]")
        choice.send_keys(Keys.SPACE)
        browser.find_element(By.CSS_SELECTOR, "form [type=submit]").send_keys(Keys.ENTER)
        look(selector, image)
        assert "Build with Agent" not in browser.page_source, "no AI features were asked for"
        browser.get("about:blank")
        person.stop()
