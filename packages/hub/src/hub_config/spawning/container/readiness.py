"""Waits until a server answers, asking often, and gives up at once when its container has ended.

JupyterHub asks with growing pauses of up to five seconds (utils.py, exponential_backoff), which
makes people wait for nothing. A request to a port nobody listens on costs next to nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

PAUSE = 0.03
"""Seconds between two requests."""

LOOK_AT_CONTAINER = 0.5
"""Seconds between two looks at the container."""

SERVER_ERROR = 500


class ServerEndedError(Exception):
    """The container ended before its server answered; the message says how."""


async def wait_until_answers(
    url: str, seconds: float, ended: Callable[[], Awaitable[str | None]]
) -> None:
    """Return as soon as `url` answers with anything but a server error.

    `ended` tells how the container ended, or None while it runs. Raises ServerEndedError when it
    ended, TimeoutError after `seconds`.
    """
    watch = asyncio.create_task(_watch(ended))
    ask = asyncio.create_task(_ask(url))
    try:
        done, _ = await asyncio.wait(
            {watch, ask}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
        )
        if not done:
            raise TimeoutError(f"{url} did not answer within {seconds:.0f} seconds")
        if ask not in done:
            raise ServerEndedError(await watch)
        await ask
    finally:
        watch.cancel()
        ask.cancel()
        await asyncio.gather(watch, ask, return_exceptions=True)


async def _ask(url: str) -> None:
    timeout = aiohttp.ClientTimeout(total=5)
    # Between hub and server there is no proxy, whatever the environment says: trust_env is off.
    async with aiohttp.ClientSession(timeout=timeout) as session:
        while True:
            try:
                async with session.get(url, allow_redirects=False) as answer:
                    if answer.status < SERVER_ERROR:
                        return
            except (aiohttp.ClientError, TimeoutError, OSError):
                pass
            await asyncio.sleep(PAUSE)


async def _watch(ended: Callable[[], Awaitable[str | None]]) -> str:
    while True:
        await asyncio.sleep(LOOK_AT_CONTAINER)
        how = await ended()
        if how is not None:
            return how
