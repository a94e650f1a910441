"""How metrics are asked for: by the keeper, who has servers measured every minute, and with a token
whose scope is JupyterHub's own `read:metrics`, by Prometheus.

A scrape asks the engine for nothing but its size, once a minute. What takes a while is begun beside
it, once in a while, and only while somebody scrapes.
"""

import asyncio
import json
import logging
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.handlers import BaseHandler
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.orm import Session
from tornado import web
from tornado.log import access_log

from hub_config.handlers import Handler
from hub_config.lifetimes.homes import HomeRow
from hub_config.lifetimes.sizes import Sizes
from hub_config.monitoring import figures
from hub_config.monitoring.figures import Facts
from hub_config.monitoring.slow import Slow
from hub_config.monitoring.watch import Watch
from hub_config.offer.counter import Counter
from hub_config.told import Refusal

READ_SCOPE = "read:metrics"
"""JupyterHub's own (scopes.py); it opens `/hub/metrics` too."""

PROXY_SECONDS, ENGINE_SECONDS = 5.0, 8.0
"""What they may take to answer: Prometheus waits for ten seconds."""

log = logging.getLogger(__name__)


@dataclass
class Sources:
    """Where facts come from. `data` is the data volume, `backup` the file about backups, `proxy`
    the address of the proxy's own metrics; `counter` is asked for once it is needed.
    """

    counter: Callable[[], Counter]
    watch: Watch
    slow: Slow
    sizes: Sizes
    data: Path
    backup: Path
    proxy: str

    async def facts(self, db: Session) -> Facts:
        """All there is to tell at this moment; `db` is the hub's session."""
        self.slow.asked()
        counter = self.counter()
        host, may_be_promised = None, None
        promises, turns = list(counter.promises.all().values()), counter.turns
        try:
            async with asyncio.timeout(ENGINE_SECONDS):
                host, _, may_be_promised = await counter.house()
        except (Refusal, TimeoutError) as away:  # the engine: what else is known is told
            log.debug("%s", away)
        return Facts(
            promises=promises,
            room=may_be_promised,
            starts=(turns.waiting, turns.taken, turns.limit),
            host=host,
            servers=self.watch.latest,
            at=self.watch.at,
            month=self.watch.month,
            cpu=figures.cpu_seconds(Path("/proc/stat").read_text(encoding="ascii")),
            disk=os.statvfs(self.data),
            homes=self.homes(db),
            backup=read_backup(self.backup),
            certificate=self.slow.certificate,
        )

    def homes(self, db: Session) -> dict[tuple[str, str], int]:
        """The sizes of homes by person and volume, where the service that measures them runs."""
        known = self.sizes.known()
        found = HomeRow.all(db) if known else ()
        return {
            (home.person, home.volume): known[home.volume].size
            for home in found
            if home.volume in known
        }


def read_backup(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """What was written about backups; empty before there was one."""
    try:
        known: Mapping[str, Mapping[str, Any]] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return known


class PlatformHandler(Handler, APIHandler):
    """What JupyterHub does not know of."""

    sources: Sources

    async def get(self) -> None:
        """The metrics, as Prometheus reads them."""
        self.require(READ_SCOPE)
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(figures.exposition(await self.sources.facts(self.db)))


class ProxyHandler(Handler, APIHandler):
    """The proxy's own, which it tells on a network where only the hub is: it knows no token."""

    sources: Sources

    async def get(self) -> None:
        """The metrics; 502 when the proxy does not answer."""
        self.require(READ_SCOPE)
        timeout = aiohttp.ClientTimeout(total=PROXY_SECONDS)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self.sources.proxy) as answer,
            ):
                answer.raise_for_status()
                told = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            why = str(error) or f"no answer within {PROXY_SECONDS:g} seconds"
            raise web.HTTPError(502, f"The proxy's metrics: {why}") from None
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(told)


PLATFORM_PATH, PROXY_PATH = "/api/metrics/platform", "/api/metrics/proxy"


def routes(sources: Sources) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"sources": sources}
    return [(PLATFORM_PATH, PlatformHandler, given), (PROXY_PATH, ProxyHandler, given)]


_USUAL = re.compile(
    r"200 GET \S*/hub/(api/)?metrics(/\w+)? "
    r"|20[024] (GET|POST) \S*/hub/api/(reconcile|homes/purge|lifetimes) "
    r"\(lifetimes@"
)
"""What Prometheus and the keeper ask for all the time."""


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line about a request says more than that the platform looked after itself."""
    return _USUAL.match(record.getMessage()) is None


def quiet() -> None:
    """Keep what goes well all the time out of the hub's log, which it would fill."""
    access_log.addFilter(is_news)
