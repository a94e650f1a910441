"""An application behind a server's proxy, to see what passes through (peers/behind_proxy.py)."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from importlib import resources
from urllib.parse import urlsplit

import requests

from jhub_testing.singleuser import SingleUserContainer
from jhub_testing.waiting import wait_until

PORT = 9000
_PYTHON = "/opt/venv/bin/python"


class BehindProxy:
    """It is started once, and runs as long as the container does."""

    def __init__(self, server: SingleUserContainer) -> None:
        self.server = server
        self._program = (resources.files("jhub_testing.peers") / "behind_proxy.py").read_text()
        if not self.get("go").ok:
            server.container.exec_run([_PYTHON, "-c", self._program, str(PORT)], detach=True)
        wait_until(lambda: self.get("go").ok, "the application behind the proxy")

    def get(self, path: str, **options: object) -> requests.Response:
        """One of its pages, as a browser gets it."""
        return self.server.client.get(f"proxy/{PORT}/{path}", **options)

    @contextmanager
    def waiting_for(self, path: str) -> Iterator[None]:
        """Somebody has asked for a page, and has no answer yet."""
        url = urlsplit(self.server.url(f"proxy/{PORT}/{path}"))
        with closing(HTTPConnection(url.netloc)) as connection:
            headers = {"Authorization": f"token {self.server.token}"}
            connection.request("GET", url.path, headers=headers)
            yield

    def echo(self, size: int) -> int:
        """Bytes of a message that come back over a websocket."""
        return int(self._at_the_other_end("echo", str(size)))

    def ending(self) -> str:
        """Code and reason of a websocket that the application closes."""
        return self._at_the_other_end("end")

    def _at_the_other_end(self, command: str, *words: str) -> str:
        url = f"ws://127.0.0.1:{self.server.port}{self.server.prefix}proxy/{PORT}/echo"
        program = [_PYTHON, "-c", self._program, command, url, self.server.token, *words]
        return self.server.run(program).splitlines()[-1]

    def most_memory(self) -> int:
        """The most that the server itself, which passes all on, has had so far; in MB."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self.server.of_server("status"))
        assert found, "no VmHWM"
        return int(found[1]) // 1024
