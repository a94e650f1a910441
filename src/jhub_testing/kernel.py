"""A Jupyter kernel through the server's websocket, as a notebook uses it.

Jupyter Server's REST API starts it; the messages are Jupyter messaging protocol 5.3 as JSON over
`/api/kernels/<id>/channels` (jupyter-server, "WebSocket kernel wire protocols", the default one).
"""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from jhub_testing.client import Client
from jhub_testing.sockets import received


class Kernel:
    """A running kernel; entering starts it, leaving shuts it down.

    `name` is a kernel spec's (default: the server's own), `folder` one below the home.
    """

    def __init__(self, client: Client, name: str | None = None, *, folder: str = "") -> None:
        self.client, self.folder, self.name = client, folder, name
        self._session = uuid.uuid4().hex
        self.shown: list[dict[str, str]] = []
        """What was displayed, figures above all, each by its media types."""

    def __enter__(self) -> "Kernel":
        body = {"path": f"{self.folder}/n.ipynb"} | ({"name": self.name} if self.name else {})
        answer = self.client.post("api/kernels", json=body)
        assert answer.status_code == 201, f"no kernel: {answer.status_code} {answer.text[:300]}"
        self.id = answer.json()["id"]
        self._connect()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self.client.delete(f"api/kernels/{self.id}")

    def send(self, code: str) -> dict[str, Any]:
        """Have code run and do not wait for it; returns the message that was sent."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        request = self._message("execute_request", content)
        self._socket.send(json.dumps(request))
        return request

    def _connect(self) -> None:
        channels = f"api/kernels/{self.id}/channels"
        self._socket = self.client.websocket(f"{channels}?session_id={self._session}")

    def reconnect(self) -> None:
        """Open a new connection to the same kernel, as a page does whose connection was cut."""
        self._socket.close()
        self._connect()

    def execute(self, code: str) -> str:
        """Run code and return what it printed, followed by its value as text.

        Raises AssertionError with the kernel's traceback when the code fails.
        """
        request = self.send(code)
        output: list[str] = []
        replied = idle = False
        while not (replied and idle):
            message = json.loads(received(self._socket, f"answer to {code!r}"))
            # It answers no more, while others' questions to the new one keep the socket busy.
            ended = message["content"].get("execution_state") in ("restarting", "dead")
            assert not ended, f"the kernel ended while it ran {code!r}"
            if message["parent_header"].get("msg_id") != request["header"]["msg_id"]:
                continue
            content = message["content"]
            match message["header"]["msg_type"]:
                case "stream":
                    output.append(content["text"])
                case "execute_result":
                    output.append(content["data"]["text/plain"])
                case "display_data":
                    self.shown.append(content["data"])
                case "error":
                    raise AssertionError("\n".join(content["traceback"]))
                case "execute_reply":
                    replied = True
                case "status":
                    idle = content["execution_state"] == "idle"
        return "".join(output)

    def _message(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "date": datetime.now(UTC).isoformat(),
            "version": "5.3",
        }
        return {
            "header": header,
            "parent_header": {},
            "metadata": {},
            "content": content,
            "channel": "shell",
            "buffers": [],
        }
