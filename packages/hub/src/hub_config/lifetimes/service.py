"""The process that stops servers whose time is over. JupyterHub starts it as a managed service.

jupyterhub-idle-culler knows no more than the last activity: no wish for more time, no warning. What
it does beyond that is a request to stop, so this takes its place. The decision is in `ends`.
"""

import argparse
import asyncio
import logging
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import aiohttp

from hub_config.lifetimes import ends

log = logging.getLogger("lifetimes")

PATIENCE = 3
"""Intervals after its start before this process stops anything: a hub that was away knows only old
activity until the servers have reported again."""

PARALLEL = 8
"""Servers that are stopped at the same time."""

Ask = Callable[[str, str], Awaitable[Any]]
"""Sends a request with this method to this path of the hub's API; returns the parsed answer."""


async def judge_once(ask: Ask, limits: ends.Limits, now: datetime) -> None:
    """Look at all servers once and stop those whose time is over."""
    servers = [_server(record) for record in await ask("GET", "lifetimes")]
    limit = asyncio.Semaphore(PARALLEL)

    async def stop(server: ends.Server) -> None:
        user, name = quote(server.user, safe=""), quote(server.name, safe="")
        async with limit:
            # Judged once more: whoever was asked for more time while others were stopped has it.
            told = await ask("GET", f"lifetimes/{user}/{name}")
            if told["verdict"] == ends.Verdict.STOP:
                log.info("Stopping %s's server %r, whose time is over", server.user, server.name)
                await ask("DELETE", f"users/{user}/servers/{name}")

    due = ends.due(now, servers, limits)
    await asyncio.gather(*(quietly(stop(server)) for server in due))


async def quietly(asked: Awaitable[Any]) -> None:
    """Await it; a hub that does not do as asked is asked again at the next time."""
    try:
        await asked
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        log.warning("The hub did not do as asked: %s", error)


def _server(record: dict[str, Any]) -> ends.Server:
    times = {
        key: datetime.fromisoformat(record[key]) if record[key] else None
        for key in ("started", "last_activity", "asked_until")
    }
    return ends.Server(**{**record, **times})


async def run(limits: ends.Limits, api: str, token: str) -> None:
    """Judge for ever."""
    headers = {"Authorization": f"token {token}"}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:

        async def ask(method: str, path: str) -> Any:
            async with session.request(method, f"{api}/{path}") as answer:
                answer.raise_for_status()
                return await answer.json() if answer.content_type == "application/json" else None

        await asyncio.sleep(PATIENCE * limits.interval)
        while True:
            await quietly(judge_once(ask, limits, datetime.now(UTC)))
            await quietly(ask("POST", "homes/purge"))
            await asyncio.sleep(limits.interval)


def main() -> None:
    """Read the limits from the command line, the token from the environment."""
    logging.basicConfig(
        level=logging.INFO, format="[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"
    )
    parser = argparse.ArgumentParser(description="Stop servers whose time is over")
    for name in ends.Limits.__dataclass_fields__:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, required=True)
    limits = ends.Limits(**vars(parser.parse_args()))
    environ = os.environ
    asyncio.run(run(limits, environ["JUPYTERHUB_API_URL"], environ["JUPYTERHUB_API_TOKEN"]))


if __name__ == "__main__":
    main()
