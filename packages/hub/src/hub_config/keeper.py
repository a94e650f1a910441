"""`python -m hub_config.keeper`: what the platform does by itself, in one process beside the hub,
which JupyterHub starts, and starts again when it ends, with a token and the hub's API in the
environment (JupyterHub's documentation, Services).

The proxy keeps its routes in memory only; one that was restarted or recreated sends everybody to
the hub. JupyterHub compares routes at an interval; this looks every second, which is cheap, and
asks the hub to compare them at once. Every minute it has the hub compare what runs with its
database, measure it, and begin scheduled runs that are due. And it has servers stopped whose time
is over (`lifetimes.ends`).
"""

import argparse
import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
import requests
from docker.errors import DockerException

from hub_config import tracing
from hub_config.apis import PROXY_ROUTES
from hub_config.first_start import Places, read_secret
from hub_config.lifetimes import ends
from hub_config.runtime.attachments import attach_all

Routes = Mapping[str, Mapping[str, Any]]
"""By path (configurable-http-proxy's README, REST API: GET /api/routes)."""

AWAY = (aiohttp.ClientError, TimeoutError, requests.RequestException, DockerException)
"""What is asked does not answer, or refuses, just now."""


def are_lost(routes: Routes) -> bool:
    """Whether the hub has not told this proxy any route since it started.

    A proxy begins with one to its default target. The hub's own carries `hub`
    (jupyterhub 6.1, proxy.py, add_hub_route) and is there whether or not anybody has a server.
    """
    return not any(route.get("hub") for route in routes.values())


LOOK_EVERY = 1.0
"""Seconds between two looks; half of it is how long a lost route goes unnoticed on average."""

RECONCILE_EVERY = 60.0
"""Seconds between two comparisons of what runs with the hub's database."""

log = logging.getLogger("keeper")

Mend = Callable[[], Awaitable[object]]
"""Mends one thing a new proxy lacks; raises one of `AWAY` when it cannot be done just now."""


class Keeper:
    """Remembers what is still to be mended, so that a failure is tried again at the next look."""

    def __init__(
        self,
        routes: Callable[[], Awaitable[Routes]],
        mends: dict[str, Mend],
        reconcile: Mend,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`routes` asks the proxy; `mends` are by what they restore, in the order in which they are
        done.
        """
        self.routes, self.mends, self.reconcile, self.clock = routes, mends, reconcile, clock
        self.missing: set[str] = set()
        self.due = clock()

    async def reconcile_in_time(self) -> None:
        """Have the hub reconcile when it is time; one that is away is asked at the next look."""
        if self.clock() >= self.due:
            try:
                await self.reconcile()
            except AWAY as error:
                log.debug("%s", error)
            else:
                self.due = self.clock() + RECONCILE_EVERY

    async def look(self) -> None:
        """Look once, and mend what is found missing. Raises nothing for what is away just now."""
        try:
            if are_lost(await self.routes()):
                log.warning("The proxy has lost its routes")
                self.missing.update(self.mends)
        except AWAY as error:
            log.debug("%s", error)
            return
        for what, mend in self.mends.items():
            if what in self.missing:
                try:
                    await mend()
                except AWAY as error:
                    log.warning("The proxy's %s cannot be restored yet: %s", what, error)
                else:
                    self.missing.discard(what)
                    log.info("Restored the proxy's %s", what)

    async def run(self) -> None:
        """Go on for ever."""
        while True:
            await self.look()
            await self.reconcile_in_time()
            await asyncio.sleep(LOOK_EVERY)


def attach_to_networks(platform: str) -> None:
    """Attach hub and proxy wherever they are missing: a recreated proxy is on no server's network
    any more, a restarted one still is.
    """
    for made in attach_all(platform):
        log.info("Attached %s", made)


def asking(token: str, seconds: float) -> aiohttp.ClientSession:
    """What asks hub or proxy, over connections that stay: a new one for each look would be most of
    what an idle platform's keeper and proxy do. A refusal is an error.
    """
    return aiohttp.ClientSession(
        headers={"Authorization": f"token {token}"},
        timeout=aiohttp.ClientTimeout(total=seconds),
        raise_for_status=True,
    )


async def told(session: aiohttp.ClientSession, url: str, method: str, path: str) -> Any:
    """What the hub or proxy at `url` answers; None where that is no JSON."""
    async with session.request(method, f"{url}{path}") as answer:
        return await answer.json() if answer.content_type == "application/json" else None


async def keep(platform: str) -> None:
    """For ever."""
    api, token = os.environ["JUPYTERHUB_API_URL"], os.environ["JUPYTERHUB_API_TOKEN"]
    proxy_token = read_secret(Places().proxy_token)
    async with (
        asking(proxy_token, 10) as proxy,
        asking(token, 60) as hub,
        asyncio.TaskGroup() as at,
    ):
        ask = partial(told, hub, f"{api}/")
        mends: dict[str, Mend] = {}
        if platform:
            mends["networks"] = partial(asyncio.to_thread, attach_to_networks, platform)
        # Returns when the proxy's routes are complete (JupyterHub REST API, POST /proxy).
        mends["routes"] = partial(ask, "POST", "proxy")
        routes = partial(told, proxy, PROXY_ROUTES, "GET", "")
        at.create_task(Keeper(routes, mends, partial(ask, "POST", "reconcile")).run())
        at.create_task(ends.run(int(os.environ[ends.INTERVAL]), ask))


def main() -> None:
    """Everything but the platform is in the environment."""
    parser = argparse.ArgumentParser(prog="keeper")
    parser.add_argument("--platform", default="", help="label on the servers' networks, if any")
    options = parser.parse_args()
    plain = "[%(levelname)1.1s %(asctime)s %(name)s] %(message)s"
    tracing.configure_logs(os.environ.get(tracing.FORMAT, ""), plain)
    # JupyterHub ends its services with SIGINT; that is no error to write about.
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(keep(options.platform))


if __name__ == "__main__":
    main()
