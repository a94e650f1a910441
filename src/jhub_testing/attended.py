"""A websocket that is read all the time, as a browser reads it.

A server pings its pages (Jupyter Server every 30 seconds) and closes the sockets of those that do
not answer for a while; websocket-client answers only while somebody waits for a message.
"""

from contextlib import suppress
from queue import Empty, Queue
from threading import Thread
from typing import Any

import websocket

GONE_SECONDS = 3.0
"""How long one that was cut has to say so."""


class AttendedWebSocket(websocket.WebSocket):
    """One whose pings are answered at any time; what else comes is kept for who asks."""

    def connect(self, url: str, **options: Any) -> None:
        """Open it."""
        super().connect(url, **options)  # type: ignore[no-untyped-call]
        self._frames: Queue[websocket.ABNF | Exception] = Queue()
        Thread(target=self._attend, daemon=True).start()

    def _attend(self) -> None:
        while True:
            try:
                frame = super().recv_frame()  # type: ignore[no-untyped-call]
                if frame.opcode == websocket.ABNF.OPCODE_PING:
                    self.pong(frame.data)
                else:
                    self._frames.put(frame)
            except websocket.WebSocketTimeoutException:
                continue  # for as long nothing came
            except Exception as error:  # raised where the next message is wanted
                self._frames.put(error)
                return

    def recv_frame(self) -> websocket.ABNF:
        """The next frame, which is no ping."""
        # Closing it sets another limit on the socket than it was opened with.
        limit = self.sock.gettimeout() if self.sock else GONE_SECONDS
        with suppress(Empty):
            came = self._frames.get(timeout=limit)
            if isinstance(came, Exception):
                self._frames.put(came)
                raise came
            return came
        raise websocket.WebSocketTimeoutException(f"nothing came for {limit:g} s")
