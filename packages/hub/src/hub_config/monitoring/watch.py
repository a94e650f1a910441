"""Keeps what all servers use, once a minute, whoever looks: the keeper asks for it. So a scrape, or
ten, only read what was measured last, and nothing of the hub waits for the engine.
"""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub_config.monitoring import usage
from hub_config.monitoring.usage import Total
from hub_config.runtime.interface import AwayError, Container, Usage
from hub_config.runtime.meter import AGAIN, Meter

AT_ONCE = 50
"""Servers whose figures are written before others of the hub's loop have their turn."""

PATIENCE = 300.0
"""Seconds that a pass waits for a slow engine."""

LAST_PATIENCE = 3.0
"""Seconds a server that is about to end waits until it has been measured."""

log = logging.getLogger(__name__)

Measured = tuple[Container, Usage]


class Watch:
    """One for the whole hub."""

    def __init__(self, meter: Meter) -> None:
        """`meter` looks at servers."""
        self.meter = meter
        self.latest: list[Measured] = []
        """The servers that could be measured at the last pass that was one."""
        self.at = time.time()
        """When that was, in seconds since the epoch, or when the hub began. It grows old while the
        engine says nothing of servers.
        """
        self.month: list[Total] = []
        """What people had this month."""
        self._db: Session | None = None
        self._task: asyncio.Task[None] | None = None

    async def look(self, handler: Any) -> None:
        """Have a pass now, unless one is under way; returns at once."""
        self._db = handler.db
        self.meter.runtime.before_end = self.last
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self.run(handler.db))

    async def run(self, db: Session) -> None:
        """One pass. Raises nothing for an engine or a database that is away."""
        runtime, since = self.meter.runtime, self.meter.clock() - AGAIN
        running = [container for container in runtime.known.values() if container.runs]
        await self.meter.look(running, AGAIN, PATIENCE)
        looked = [(one, self.meter.seen(one)) for one in running]
        found = [(one, seen.usage) for one, seen in looked if seen.usage and seen.at >= since]
        if not runtime.seen or (running and not found):
            return
        self.latest, self.at = found, time.time()
        for begin in range(0, len(self.latest), AT_ONCE):
            self._keep(db, self.latest[begin : begin + AT_ONCE])
            await asyncio.sleep(0)
        self._add_up(db)

    async def last(self, container: Container) -> None:
        """Measure a server that is about to end. Raises nothing."""
        try:
            async with asyncio.timeout(LAST_PATIENCE):
                used = await self.meter.runtime.usage(container)
        except (AwayError, TimeoutError) as error:
            log.debug("%s cannot be measured: %s", container.name, error)
            return
        if used and self._db is not None:
            self._keep(self._db, [(container, used)])

    def _keep(self, db: Session, measured: list[Measured]) -> None:
        now = datetime.now(UTC)
        try:
            usage.note(db, measured, now)
            db.commit()
        except SQLAlchemyError as error:
            db.rollback()
            log.warning("What servers use cannot be kept: %s", error)

    def _add_up(self, db: Session) -> None:
        now = datetime.now(UTC)
        try:
            usage.forget_old(db, now)
            db.commit()
            self.month = usage.people(db, usage.month_of(now))
        except SQLAlchemyError as error:
            db.rollback()
            log.warning("What people used cannot be added up: %s", error)
