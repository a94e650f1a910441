"""Debian's Chromium, driven by its own chromedriver, for what only a real browser shows."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

from jhub_docker.errors import ActionError

PACKAGES = ("chromium", "chromium-driver")
_NAMES = {"browser": ("chromium", "chromium-browser", "google-chrome"), "driver": ("chromedriver",)}
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1280,1000",
)


def _find(kind: str) -> str | None:
    return next((path for name in _NAMES[kind] if (path := shutil.which(name))), None)


def executables() -> tuple[str, str]:
    """Browser and driver; as root on a Debian machine without them they are installed.

    Raises ActionError with what to install elsewhere.
    """
    if not (_find("browser") and _find("driver")) and _can_install():
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", *PACKAGES]
        subprocess.run(["apt-get", "update", "-q"], env=environment, check=False)
        subprocess.run(install, env=environment, check=False)
    browser, driver = _find("browser"), _find("driver")
    if not (browser and driver):
        raise ActionError(
            "the browser test needs Chromium and its driver of the same version; install them "
            f"(Debian: apt-get install {' '.join(PACKAGES)}) so that `chromium` and "
            "`chromedriver` are on the PATH"
        )
    return browser, driver


def _can_install() -> bool:
    return shutil.which("apt-get") is not None and os.geteuid() == 0


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with a user data folder of its own, `profile`."""
    browser, driver = executables()
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    window = webdriver.Chrome(options=options, service=Service(executable_path=driver))
    try:
        yield window
    finally:
        window.quit()
