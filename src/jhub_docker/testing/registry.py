"""A container registry of the tests' own, behind a gate that can hold back what is pulled.

The registry is the distribution's (Debian: docker-registry), without a container, so that no image
has to be pulled to test pulling. The engine speaks plain HTTP to registries on 127.0.0.0/8.
"""

import re
import shutil
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import requests

from jhub_docker.oci import tools
from jhub_docker.testing.waiting import wait_until

_CONFIGURATION = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
_HELD_AFTER = 2**20
"""Bytes that pass a closed gate, so that a pull has begun to move; the engine tells of it only
after a hundredth of the layer."""

_BLOB = re.compile(rb"^GET /v2/\S+/blobs/(sha256:[0-9a-f]{64}) ")


def executable() -> str:
    """The registry's program, unpacked where it is missing. Raises ActionError where it cannot."""
    # Its own project calls it so; Debian has it under another name.
    return shutil.which("registry") or str(tools.program("docker-registry"))


class Registry:
    """Entering starts it; `address` is what references begin with."""

    def __init__(self, folder: Path) -> None:
        """`folder` is empty and takes what is pushed."""
        self._folder = folder
        self._direct = _free_port()
        self.gate = Gate(self._direct)
        self.address = f"127.0.0.1:{self.gate.port}"

    def __enter__(self) -> "Registry":
        configuration = self._folder / "registry.yml"
        configuration.write_text(
            _CONFIGURATION.format(folder=self._folder / "blobs", port=self._direct)
        )
        log = (self._folder / "registry.log").open("wb")
        self._process = subprocess.Popen(
            [executable(), "serve", str(configuration)], stdout=log, stderr=log
        )
        log.close()
        self.gate.start()
        url = f"http://{self.address}/v2/"
        wait_until(
            lambda: requests.get(url, timeout=5).ok,
            30,
            "the registry",
            ignoring=requests.RequestException,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.gate.stop()
        self._process.terminate()
        self._process.wait(10)


class Gate:
    """A TCP port in front of the registry. While it is closed, blobs stop in the middle.

    `blobs` are the digests of the blobs that were asked for, in order.
    """

    def __init__(self, behind: int) -> None:
        """`behind` is the port of the registry on this machine."""
        self._behind = behind
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.blobs: list[str] = []
        self._open = threading.Event()
        self._open.set()

    def start(self) -> None:
        """Take connections from now on."""
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        self._open.set()
        self._listener.close()

    def close(self) -> None:
        """Hold back blobs, and forget which were asked for."""
        self.blobs.clear()
        self._open.clear()

    def open(self) -> None:
        """Let everything pass."""
        self._open.set()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                try:
                    server = socket.create_connection(("127.0.0.1", self._behind))
                except ConnectionRefusedError:  # the registry is still starting
                    client.close()
                    continue
                for way in (self._requests, self._answers):
                    threading.Thread(target=way, args=(client, server), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(65536):
                self.blobs += [digest.decode() for digest in _BLOB.findall(data)]
                server.sendall(data)
            server.shutdown(socket.SHUT_WR)

    def _answers(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := server.recv(16384):
                passed += len(data)
                if passed > _HELD_AFTER:
                    self._open.wait()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
