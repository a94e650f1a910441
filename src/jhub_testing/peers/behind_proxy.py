# ruff: noqa: D102 - Tornado's names of methods need no words of their own.
"""An application that a person puts behind their server, run in the server's container.

It makes what it sends and throws away what it gets, so that only what is in between needs memory.
`python behind_proxy.py PORT`; or, as the other end, `python behind_proxy.py echo URL TOKEN BYTES`
or `python behind_proxy.py end URL TOKEN`.
"""

import asyncio
import sys

from tornado import httpclient, web, websocket

MB = 2**20
PIECE = b"x" * MB


class Seen:
    """What the tests ask for afterwards."""

    go = asyncio.Event()
    left = asyncio.Event()


class Down(web.RequestHandler):
    """So many MB; with a length or without one."""

    async def get(self) -> None:
        count = int(self.get_argument("mb"))
        if self.get_argument("length", ""):
            self.set_header("Content-Length", count * MB)
        for _ in range(count):
            self.write(PIECE)
            await self.flush()


@web.stream_request_body
class Up(web.RequestHandler):
    """Answers with how many bytes came."""

    def prepare(self) -> None:
        self.request.connection.set_max_body_size(2**40)
        self.count = 0

    def data_received(self, chunk: bytes) -> None:
        self.count += len(chunk)

    def put(self) -> None:
        self.write(str(self.count))


class Stream(web.RequestHandler):
    """A line at once, the next when somebody asked for /go."""

    async def get(self) -> None:
        Seen.go.clear()
        Seen.left.clear()
        self.write("first\n")
        await self.flush()
        await Seen.go.wait()
        self.write("second\n")

    def on_connection_close(self) -> None:
        Seen.left.set()
        Seen.go.set()


class Go(web.RequestHandler):
    """Lets /stream go on."""

    def get(self) -> None:
        Seen.go.set()


class Left(web.RequestHandler):
    """Answers when whoever read /stream has gone away."""

    async def get(self) -> None:
        await Seen.left.wait()
        self.write("gone")


class Cut(web.RequestHandler):
    """Ends in the middle of its answer."""

    async def get(self) -> None:
        self.write("part")
        await self.flush()
        self.request.connection.stream.close()


class Named(web.RequestHandler):
    """A download whose name is no Latin-1; Tornado would not write it, others do."""

    def get(self) -> None:
        name = 'attachment; filename="\u017c.csv"'
        self.set_header("Content-Disposition", name.encode().decode("latin-1"))


class Never(web.RequestHandler):
    """Lets people wait."""

    async def get(self) -> None:
        await asyncio.Event().wait()


class Echo(websocket.WebSocketHandler):
    """Says what it hears; at "end" it closes, and says why."""

    max_message_size = 2**30

    def on_message(self, message: str | bytes) -> None:
        if message == "end":
            self.close(4001, "elsewhere")
            return
        self.write_message(message, binary=isinstance(message, bytes))


async def serve(port: int) -> None:
    """Until it is ended."""
    pages = [Down, Up, Stream, Go, Left, Cut, Named, Never, Echo]
    web.Application([(f"/{one.__name__.lower()}", one) for one in pages]).listen(port)
    await asyncio.Event().wait()


async def echo(url: str, token: str, size: int) -> None:
    """Send a message of that size and print how much comes back."""
    request = httpclient.HTTPRequest(url, headers={"Authorization": f"token {token}"})
    socket = await websocket.websocket_connect(request, max_message_size=2**30)
    await socket.write_message(b"x" * size, binary=True)
    print(len(await socket.read_message() or b""))


async def end(url: str, token: str) -> None:
    """Have it closed, and print the code and the reason."""
    request = httpclient.HTTPRequest(url, headers={"Authorization": f"token {token}"})
    socket = await websocket.websocket_connect(request)
    await socket.write_message("end")
    await socket.read_message()
    print(socket.close_code, socket.close_reason)


if __name__ == "__main__":
    if sys.argv[1] == "echo":
        asyncio.run(echo(sys.argv[2], sys.argv[3], int(sys.argv[4])))
    elif sys.argv[1] == "end":
        asyncio.run(end(sys.argv[2], sys.argv[3]))
    else:
        asyncio.run(serve(int(sys.argv[1])))
