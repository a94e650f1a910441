"""Measures all servers once a minute, whoever looks: the keeper asks for it. So a scrape, or ten,
only read what was measured last, and nothing of the hub waits for the engine.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hub_config.monitoring import usage
from hub_config.monitoring.usage import Total
from hub_config.runtime.docker import DockerRuntime
from hub_config.runtime.interface import AwayError, Container, Usage

AT_A_TIME = 4
"""Servers measured at the same time: the engine's other calls are people's starts and stops."""

AT_ONCE = 50
"""Servers whose figures are written before others of the hub's loop have their turn."""

PATIENCE = 3.0
"""Seconds a server that is about to end waits until it has been measured."""

log = logging.getLogger(__name__)

Measured = tuple[Container, Usage]


class Watch:
    """One for the whole hub."""

    def __init__(self, runtime: Callable[[], DockerRuntime]) -> None:
        """`runtime` is asked for once it is needed."""
        self._make_runtime = runtime
        self.latest: list[Measured] = []
        """The servers that ran at the last pass."""
        self.at = 0.0
        """When that was, in seconds since the epoch; 0 before the first."""
        self.month: list[Total] = []
        """What people had this month."""
        self._db: Session | None = None
        self._task: asyncio.Task[None] | None = None

    @cached_property
    def runtime(self) -> DockerRuntime:
        """Where servers run."""
        runtime = self._make_runtime()
        runtime.before_end = self.last
        return runtime

    def begin(self, db: Session) -> None:
        """Have a pass now, unless one is under way; `db` is the hub's session."""
        self._db = db
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self.run(db))

    async def run(self, db: Session) -> None:
        """One pass. Raises nothing for an engine or a database that is away."""
        limit = asyncio.Semaphore(AT_A_TIME)

        async def one(container: Container) -> Measured | None:
            async with limit:
                used = await self._measure(container)
            return (container, used) if used else None

        running = [container for container in self.runtime.known.values() if container.runs]
        found = await asyncio.gather(*map(one, running))
        self.latest, self.at = [each for each in found if each], time.time()
        for begin in range(0, len(self.latest), AT_ONCE):
            self._keep(db, self.latest[begin : begin + AT_ONCE])
            await asyncio.sleep(0)
        self._add_up(db)

    async def last(self, container: Container) -> None:
        """Measure a server that is about to end. Raises nothing."""
        try:
            async with asyncio.timeout(PATIENCE):
                used = await self._measure(container)
        except TimeoutError:
            return
        if used and self._db is not None:
            self._keep(self._db, [(container, used)])

    async def _measure(self, container: Container) -> Usage | None:
        try:
            return await self.runtime.usage(container)
        except AwayError as error:
            log.debug("%s cannot be measured: %s", container.name, error)
            return None

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
