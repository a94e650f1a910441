"""Someone who starts a server and opens its page, with the time that takes.

The harness's Person, asked to be quick: it goes to the page at once instead of looking first.
"""

import time

import requests

from jhub_docker.errors import ActionError
from jhub_testing.person import Person

PATIENCE = 180.0
"""Seconds after which a server is given up; not a promise about speed."""

_PAUSE = 0.05

_MARKS = {
    "/lab": 'id="jupyter-config-data"',
    "/vscode/": 'id="vscode-workbench-web-configuration"',
    "/marimo": "<marimo-filename",
}
"""What only the right page has: a log-in page or an error page answers 200 too."""


class Visitor(Person):
    """A person whose waiting is measured."""

    def enter(self) -> None:
        """Log in; raises ActionError when the hub does not show this person their own page."""
        answer = self.log_in()
        if not self.is_logged_in():
            raise ActionError(
                f"logging in as {self.name} failed: {answer.status_code} at {answer.url}: "
                f"{answer.text[:600]}"
            )

    def start(self, profile: str) -> None:
        """Ask for a server and wait until the hub says that it is ready."""
        answer = self.start_by_api({"profile": profile})
        if not answer.ok:
            raise ActionError(f"{profile}: {answer.status_code}: {answer.text[:600]}")
        deadline = time.monotonic() + PATIENCE
        while answer.status_code == requests.codes.accepted:
            # Slower than the hub's own patience (10 s): it answered before the server was there.
            user = self.hub.get(f"api/users/{self.name}").json()
            if user["servers"].get("", {}).get("ready"):
                return
            if user["pending"] is None or time.monotonic() > deadline:
                raise ActionError(f"{profile}: the server did not start: {user}")
            time.sleep(_PAUSE)

    def open(self, page: str) -> None:
        """Open a page of one's server; raises ActionError unless the right one comes in time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.server.get(page, timeout=PATIENCE)
            if answer.status_code == requests.codes.ok and _MARKS[page] in answer.text:
                return
            if time.monotonic() > deadline:
                raise ActionError(
                    f"{page} did not come within {PATIENCE:.0f} s; the last answer was "
                    f"{answer.status_code} at {answer.url}: {answer.text[:300]}"
                )
            time.sleep(_PAUSE)

    def time_to_page(self, profile: str, page: str) -> float:
        """Seconds from the request for a server until its page has come."""
        self.hub.get("home")  # renews the XSRF cookie
        started = time.perf_counter()
        self.start(profile)
        self.open(page)
        return time.perf_counter() - started
