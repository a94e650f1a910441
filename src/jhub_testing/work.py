"""Somebody at work: one server with all kinds of connections open, which nothing may drop."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

from jhub_testing.client import Client
from jhub_testing.kernel import Kernel
from jhub_testing.marimo import MarimoSession
from jhub_testing.sockets import IdleSockets
from jhub_testing.vscode import VsCodeTerminal

IDLE = 20
LOOK_EVERY = 0.2
"""Seconds between two uses of a connection while something happens to the platform."""


@dataclass
class Work:
    """All that one person has open in one server; `look` uses each once."""

    server: Client
    kernel: Kernel
    terminal: VsCodeTerminal
    marimo: MarimoSession
    idle: IdleSockets
    looks: int = 0

    def compute(self) -> None:
        """The kernel goes on counting where it was."""
        self.looks += 1
        assert self.kernel.execute("count += 1; print(count)") == f"{self.looks}\n"

    def look(self) -> None:
        """Each connection is the one it was, and works."""
        self.compute()
        self.terminal.run(f"echo looked=$(({self.looks} + 0))", f"looked={self.looks}")
        assert self.marimo.compute(f"{self.looks} * 1000") == str(self.looks * 1000)
        assert self.idle.dropped() == 0

    def goes_on_while(self, event: Callable[[], None]) -> None:
        """Compute and ask all the time that something happens, and look when it has."""
        self._log_in_anew()
        with ThreadPoolExecutor(1) as other:
            happening = other.submit(event)
            while not wait([happening], LOOK_EVERY).done:
                self.compute()
                assert answers(self.server)
        happening.result()
        self.look()

    def _log_in_anew(self) -> None:
        """What the hub said of a cookie, the server believes for five minutes; then it asks again,
        which may be just when there is no hub.
        """
        cookies = self.server.session.cookies
        for one in [one for one in cookies if one.path.startswith("/user/")]:
            cookies.clear(one.domain, one.path, one.name)
        assert self.server.get("").ok


def answers(server: Client) -> bool:
    """Whether a server answers through the platform's port."""
    answer = server.get("api", allow_redirects=False)
    return answer.status_code == HTTPStatus.OK


@contextmanager
def at_work(server: Client) -> Iterator[Work]:
    """Open all of it in a server of JupyterLab."""
    with (
        Kernel(server) as kernel,
        VsCodeTerminal(server) as terminal,
        MarimoSession(server) as marimo,
        IdleSockets(server, IDLE) as idle,
    ):
        kernel.execute("count = 0")
        yield Work(server, kernel, terminal, marimo, idle)
