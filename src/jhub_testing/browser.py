"""Debian's Chromium, driven by Playwright, for what only a real browser shows.

Playwright's wheel brings its driver along and its own browsers are not needed.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, sync_playwright

from jhub_docker.errors import ActionError
from jhub_testing.waiting import ASK_AGAIN, PATIENCE, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome")

_FLAGS = ("--disable-quic", "--no-proxy-server", "--disable-http2")
"""Over HTTP/2 Chromium sends a form again when an interface of its machine came or went, which they
do here with every server."""

_MENU_STAYS = 5000
"""Milliseconds after which a menu counts as closed again."""

DESKTOP = (1280, 900)
PHONE = (360, 740)

_DROPPED = "ERR_NETWORK_CHANGED"
"""A container came or went on this machine, and Chromium dropped its requests."""


def executable() -> str:
    """The browser's path. Raises ActionError with what to install."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise ActionError(
            "the browser test needs Chromium; install it (Debian: apt-get install chromium) so "
            "that `chromium` is on the PATH"
        )
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; each of its contexts has cookies of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(_FLAGS))
        try:
            yield browser
        finally:
            browser.close()


class Window:
    """One person's window on the platform; pictures and the console's lines go to `folder`."""

    def __init__(self, browser: Browser, url: str, folder: Path, owner: str = "") -> None:
        self.url, self.folder, self.owner = url, folder, owner
        folder.mkdir(parents=True, exist_ok=True)
        self.context: BrowserContext = browser.new_context(
            viewport={"width": DESKTOP[0], "height": DESKTOP[1]},
            reduced_motion="reduce",
            ignore_https_errors=url.startswith("https:"),  # a test platform's CA is its own
        )
        self.context.set_default_timeout(PATIENCE * 1000)
        self.page: Page = self.context.new_page()
        self.console: list[str] = []
        self._dropped = False
        self.page.on("console", lambda message: self.console.append(message.text))
        self.page.on("requestfailed", lambda request: self._failed(str(request.failure)))

    def _failed(self, why: str) -> None:
        self._dropped = self._dropped or _DROPPED in why

    def open(self, path: str) -> None:
        """Go to a path of the platform."""

        again = ASK_AGAIN * 1000

        def opened() -> bool:
            self.page.goto(f"{self.url}{path}", wait_until="domcontentloaded", timeout=again)
            return True

        wait_until(opened, f"{path} to be opened", ignoring=Error)

    def see(self, wanted: Locator, picture: str = "") -> Locator:
        """Wait until `wanted` is visible, keep a picture of the window, and return it.

        A page whose requests Chromium dropped because an interface of this machine changed is
        loaded anew, as its reader would.
        """

        def visible() -> bool:
            self.page.wait_for_timeout(50)  # lets Playwright deliver the page's events
            if self._dropped:
                self._dropped = False
                self.page.reload(wait_until="domcontentloaded")
            return wanted.first.is_visible()

        try:
            wait_until(visible, f"{wanted} to be seen at {self.page.url}", ignoring=Error)
        except AssertionError as error:
            error.add_note(f"the window is at {self.page.url}")  # it may have gone elsewhere
            self.keep_picture(f"missing-{picture or 'something'}")
            raise
        if picture:
            self.keep_picture(picture)
        return wanted.first

    def choose(
        self,
        menu: Locator,
        label: str,
        button: Literal["left", "right"] = "left",
        *,
        press: bool = True,
    ) -> None:
        """Open the menu of a thing and press an item of it, or only see it. One that closes before
        that, since something else took the focus, is opened again.
        """
        item = self.page.get_by_role("menuitem", name=label)

        def chosen() -> bool:
            menu.click(button=button, timeout=_MENU_STAYS)
            item.click(timeout=_MENU_STAYS, trial=not press)
            return True

        wait_until(chosen, f"{label} to be chosen", ignoring=Error)

    def sign_in(self, name: str, password: str) -> None:
        """Sign in with name and password, as a form asks for them."""
        self.open("/hub/login")
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_role("textbox", name="Password").fill(password)
        self.page.get_by_role("button", name="Sign in").click()

    def start(self, image: str, size: str = "Small") -> None:
        """Choose an image by its title and a size on the form, and press Start."""
        self.open("/hub/spawn")
        sizes = self.see(self.page.get_by_role("group", name=image, exact=True))
        sizes.get_by_role("radio", name=size).check()
        self.page.get_by_role("button", name="Start").click()

    def stop(self) -> None:
        """Stop the default server on the home page, and wait until the page says so."""
        self.open("/hub/home")
        self.see(self.page.get_by_role("button", name="Stop Default server")).click()
        self.see(self.page.get_by_role("link", name="Start Default server"))

    def close(self) -> None:
        """Close the window; its cookies are gone."""
        self.context.close()

    def keep_picture(self, name: str, *, whole_page: bool = False) -> None:
        """Keep a picture of the window, and the console's lines so far."""
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=whole_page)
        (self.folder / f"{name}.console.txt").write_text("\n".join(self.console))
