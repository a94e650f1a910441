"""The servers and the browsers in front of them.

A server answers every request, tells the hub of its activity when it starts and as often as
JupyterHub's own does, and once its page was asked for through the proxy a browser has a websocket
open there, on which something passes each `BEAT` seconds.
"""

import asyncio
import random
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from jhub_bench.stub_host.engine import LABEL, Engine, Server, now

BEAT = 30.0
PROXY = "http://proxy:8000"


def server_handler(engine: Engine, browser: Any) -> Any:
    """For all servers' one port: which it is, the address says that was asked."""

    async def handle(request: Any) -> Any:
        server = engine.addresses.get(request.transport.get_extra_info("sockname")[0])
        if server is None:
            return web.Response(status=503)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await echo(request, server)
        if not server.seen and "X-Forwarded-For" in request.headers:
            server.seen = True
            server.tasks.append(asyncio.ensure_future(stay_open(browser, server)))
        version = engine.image["Labels"][f"{LABEL}.jupyterhub"]
        return web.json_response({"version": "stub"}, headers={"X-JupyterHub-Version": version})

    return handle


async def echo(request: Any, server: Server) -> Any:
    """The server's end of a websocket."""
    end = web.WebSocketResponse()
    await end.prepare(request)
    server.sockets.add(end)
    async for message in end:
        await end.send_str(message.data)
    server.sockets.discard(end)
    return end


async def stay_open(browser: Any, server: Server) -> None:
    """The browser's end, through the proxy; one that was cut is opened again."""
    url = f"{PROXY}{server.variables['JUPYTERHUB_SERVICE_PREFIX']}api/events/subscribe"
    while True:
        with suppress(aiohttp.ClientError, OSError):
            async with browser.ws_connect(url) as end:
                while True:
                    await end.send_str("?")
                    await end.receive_str()
                    await asyncio.sleep(BEAT)
        await asyncio.sleep(1)


async def tell_of_activity(browser: Any, server: Server) -> None:
    """As jupyterhub.singleuser does: at the start, and again and again, with some scatter."""
    given = server.variables
    interval = float(given["JUPYTERHUB_ACTIVITY_INTERVAL"])
    headers = {"Authorization": f"token {given['JUPYTERHUB_API_TOKEN']}"}
    while True:
        at = now()
        servers = {given.get("JUPYTERHUB_SERVER_NAME", ""): {"last_activity": at}}
        said = {"last_activity": at, "servers": servers}
        with suppress(aiohttp.ClientError, OSError):
            url = given["JUPYTERHUB_ACTIVITY_URL"]
            async with browser.post(url, json=said, headers=headers) as answer:
                await answer.read()
        await asyncio.sleep(interval * (0.9 + 0.2 * random.random()))  # noqa: S311 - no secret
