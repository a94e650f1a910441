"""A platform with Prometheus and Alertmanager, as an operator meets them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from http.cookiejar import Cookie
from typing import Any

import requests
from docker.errors import APIError, NotFound
from requests.cookies import RequestsCookieJar

from jhub_testing.backups import Backups
from jhub_testing.person import Person
from jhub_testing.platforms import Platform
from jhub_testing.waiting import wait_until

from .door import Door

PROFILE = "uv-marimo-small"


class Cookies(RequestsCookieJar):
    """Cookies of a platform whose public address has TLS, by which the tests do not come."""

    def set_cookie(self, cookie: Cookie, *arguments: Any, **named: Any) -> Any:
        """Keep it for requests without TLS, too."""
        cookie.secure = False
        return super().set_cookie(cookie, *arguments, **named)


class Watched:
    """A platform with its watchers, as an operator meets them."""

    door: Door

    def __init__(self, platform: Platform) -> None:
        self.platform, self.backups = platform, Backups(platform)
        environment = platform.environment
        self.prometheus = f"http://127.0.0.1:{environment['JHUB_PROMETHEUS_PORT']}/api/v1"
        self.alertmanager = f"http://127.0.0.1:{environment['JHUB_ALERTMANAGER_PORT']}/api/v2"

    def in_hub(self, *command: str) -> str:
        """Run a program beside the hub, as its user."""
        code, output = self.platform.container("hub").exec_run(list(command))
        assert code == 0, output.decode()
        return str(output.decode())

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What Prometheus finds now."""
        answer = requests.get(f"{self.prometheus}/query", {"query": expression}, timeout=30).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        found: list[dict[str, Any]] = answer["data"]["result"]
        return found

    def wait_for(self, expression: str) -> list[dict[str, Any]]:
        """Wait until Prometheus finds something."""
        return wait_until(
            lambda: self.query(expression), expression, ignoring=requests.RequestException
        )

    def alerts(self) -> set[str]:
        """The names of those that Alertmanager has."""
        found = requests.get(f"{self.alertmanager}/alerts", timeout=30).json()
        return {one["labels"]["alertname"] for one in found}

    def wait_for_alert(self, name: str) -> None:
        """Wait until Alertmanager has it."""
        wait_until(
            lambda: name in self.alerts(), f"{name} to fire", ignoring=requests.RequestException
        )

    @contextmanager
    def frozen(self, service: str) -> Iterator[None]:
        """A service that does nothing meanwhile."""
        container = self.platform.container(service)
        freeze(container)
        try:
            yield
        finally:
            container.unpause()

    def person(self, name: str) -> Person:
        """Somebody with an account, logged in."""
        person = Person(self.platform.url, name)
        person.session.cookies = Cookies()
        return person.join()

    def started(self, name: str) -> Person:
        """Somebody with a server that is there, or after ten seconds on its way."""
        person = self.person(name)
        start(person)
        return person

    def container_of(self, name: str) -> Any:
        """The container of somebody's server, once there is one."""
        return wait_until(
            lambda: next(iter(self.platform.servers(name)), None), f"a container of {name}"
        )

    def held(self, name: str) -> tuple[Person, Any]:
        """Somebody whose server cannot finish its start, and its container, which is frozen."""
        for attempt in range(5):
            person = self.person(f"{name}-{attempt}")
            with ThreadPoolExecutor(1) as beside:
                # JupyterHub answers only once it is there, or after ten seconds.
                asked = beside.submit(start, person)
                container = self.container_of(person.name)
                wait_until(partial(runs, container), "a container that runs")
                freeze(container)
                asked.result()
            if not is_over(person):
                return person, container
            kill(container)  # it was faster
        raise AssertionError("every server was up before it could be frozen")

    def is_ready(self, person: Person) -> bool:
        """Whether somebody's server runs."""
        told = person.hub.get(f"api/users/{person.name}").json()
        return bool(told["servers"].get("", {}).get("ready"))


def start(person: Person) -> None:
    """Ask for a server."""
    answer = person.start_by_api({"profile": PROFILE})
    assert answer.status_code in (201, 202), answer.text


def freeze(container: Any) -> None:
    """Pause it; the kernel may be too busy at first."""

    def paused() -> bool:
        container.reload()
        if container.status != "paused":
            container.pause()
        return True

    wait_until(paused, "a container to be frozen", ignoring=APIError)


def runs(container: Any) -> bool:
    """Whether it does."""
    container.reload()
    return bool(container.status == "running")


def kill(container: Any) -> None:
    """End it, wherever it is in its start."""
    with suppress(NotFound):
        container.remove(force=True)


def is_over(person: Person) -> bool:
    """Whether no server of theirs starts or stops."""
    return person.hub.get(f"api/users/{person.name}").json()["pending"] is None
