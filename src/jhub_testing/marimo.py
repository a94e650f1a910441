"""A marimo notebook as its page in a browser uses it: one session, one websocket, cells run.

The requests and messages are those of marimo 0.25's own page (`/api/kernel/…`, `/ws`).
"""

import json
import re
import uuid
from typing import Any

from jhub_testing import probes
from jhub_testing.client import Client
from jhub_testing.sockets import received

_TAGS = re.compile(r"<[^>]+>")


class MarimoSession:
    """A notebook with one cell, `file` or a new one; entering opens it, leaving closes its page."""

    def __init__(self, client: Client, file: str = "") -> None:
        self.client = client
        self.name = f"s_{uuid.uuid4().hex[:6]}"
        self._file = file or f"__new__{self.name}"

    def __enter__(self) -> "MarimoSession":
        page = probes.page(self.client, "/marimo/")
        token = re.search(r'<marimo-server-token[^>]*data-token="([^"]+)"', page)
        assert token, f"marimo's page has no token: {page[:300]}"
        self._headers = {"Marimo-Session-Id": self.name, "Marimo-Server-Token": token[1]}
        query = f"session_id={self.name}&file={self._file}"
        self._socket = self.client.websocket(f"marimo/ws?{query}")
        (self._cell,) = self._next("kernel-ready")["cell_ids"]
        self._post("instantiate", objectIds=[], values=[], autoRun=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def compute(self, code: str) -> str:
        """Run code in the cell and return the text it shows."""
        self._post("run", cellIds=[self._cell], codes=[code])
        while True:
            cell = self._next("cell-op")
            if cell.get("output") and cell["output"]["data"]:
                return _TAGS.sub("", str(cell["output"]["data"])).strip()

    def type(self, code: str) -> None:
        """Write code into the cell and do not run it."""
        change = {"type": "set-code", "cellId": self._cell, "code": code}
        self._post("transaction", "document", changes=[change])

    def shut_down(self) -> None:
        """End marimo, as *Shutdown* does where no other notebook is open."""
        self._headers.pop("Marimo-Session-Id")
        self._post("shutdown")

    def _next(self, kind: str) -> dict[str, Any]:
        while True:
            message = json.loads(received(self._socket, f"{kind} of marimo"))
            if message["op"] == kind:
                data: dict[str, Any] = message["data"]
                return data

    def _post(self, call: str, folder: str = "kernel", **body: Any) -> None:
        path = f"marimo/api/{folder}/{call}"
        answer = self.client.post(path, json=body, headers=self._headers)
        assert answer.ok, f"marimo: {answer.status_code} {answer.text[:300]}"
