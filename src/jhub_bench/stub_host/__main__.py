"""`python -m jhub_bench.stub_host POOL PLATFORM IMAGE`: be the engine, until killed."""

import asyncio
import json
import sys
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from jhub_bench.stub_host import addresses, servers
from jhub_bench.stub_host.engine import PORT, Engine, Record, engine_handler

SOCKET = Path("/srv/engine/docker.sock")


async def serve(platform: str, image: Record) -> None:
    """Until it is killed."""
    engine = Engine(platform, image)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as browser:
        engine.begin = partial(servers.tell_of_activity, browser)
        await web.UnixSite(await runner(engine_handler(engine)), str(SOCKET)).start()
        everywhere = "0.0.0.0"  # noqa: S104
        there = await runner(servers.server_handler(engine, browser))
        await web.TCPSite(there, everywhere, PORT, backlog=4096).start()
        # The filter, which has no capability, is who opens it.
        SOCKET.chmod(0o666)
        print("ready", flush=True)
        await asyncio.Event().wait()


async def runner(handler: Any) -> Any:
    """A server for one handler."""
    made = web.ServerRunner(web.Server(handler, access_log=None))
    await made.setup()
    return made


if __name__ == "__main__":
    addresses.own(IPv4Network(sys.argv[1]))
    SOCKET.unlink(missing_ok=True)
    asyncio.run(serve(sys.argv[2], json.loads(sys.argv[3])))
