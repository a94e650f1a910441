"""Collects what `rows` words: JupyterHub's records, what containers take, queue, promises, disk."""

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jupyterhub import orm
from sqlalchemy import func, select
from tornado.httpclient import HTTPClientError

from hub_config import disk
from hub_config.first_start import DATABASE_FILE
from hub_config.lifetimes import ends, times
from hub_config.lifetimes.measuring import Measured
from hub_config.lifetimes.sizes import Sizes
from hub_config.now.rows import Platform, Server
from hub_config.offer.counter import Counter
from hub_config.offer.room import DISK_GB
from hub_config.reconcile.reconciler import Reconciler
from hub_config.reconcile.state import Hub, remember
from hub_config.runtime.interface import Container, Key
from hub_config.runtime.meter import Meter, Seen
from hub_config.told import Refusal

APART = 1.0
"""Seconds between the two looks that a figure of CPU takes."""

PATIENCE = 10.0
"""Seconds that engine and proxy have to answer."""

STARTED = time.monotonic()


@dataclass
class Looker:
    """One for the whole hub. `counter` is asked for once it is needed; `data` is the folder of the
    database.
    """

    reconciler: Reconciler
    counter: Callable[[], Counter]
    limits: ends.Limits
    data: Path
    sizes: Sizes
    meter: Meter

    async def everybody(self, hub: Hub, *, twice: bool = False) -> list[Server]:
        """The servers of all people."""
        remember(hub.db)
        return await self.servers(hub, hub.users.values(), twice=twice)

    async def servers(self, hub: Hub, users: Iterable[Any], *, twice: bool = False) -> list[Server]:
        """The servers of `users` (JupyterHub's User objects) that start, run or stop.

        With `twice` a second look is waited for where CPU could not be told otherwise.
        """
        active = [
            (user, name, spawner)
            for user in users
            for name, spawner in user.spawners.items()
            if spawner.active
        ]
        containers = {one.key: one for one in self.reconciler.runtime.known.values()}
        keys = [(user.name, name) for user, name, _ in active]
        wanted = [containers[key] for key in keys if key in containers]
        await self.meter.look(wanted, self.meter.lasts, PATIENCE)
        looked = [self.meter.seen(one) for one in wanted]
        if twice and any(seen.usage and seen.cpu is None for seen in looked):
            await asyncio.sleep(APART)
            await self.meter.look(wanted, APART / 2, PATIENCE)
        timed = {
            (one.user, one.name): one
            for one in times.running(hub.db, {user.name: user for user, _, _ in active}.values())
        }
        homes = self.sizes.of(hub.db, {user.id for user, _, _ in active})
        titles = await self.counter().titles()
        return [
            self._server(
                *(spawner, key, containers.get(key), timed.get(key), homes.get(user.id), titles)
            )
            for key, (user, _, spawner) in zip(keys, active, strict=True)
        ]

    def _server(
        self,
        spawner: Any,
        key: Key,
        container: Container | None,
        time_: ends.Server | None,
        home: Measured | None,
        titles: Callable[[str], str],
    ) -> Server:
        (person, name), now = key, datetime.now(UTC)
        seen = self.meter.seen(container) if container else Seen()
        used = seen.usage
        end = ends.end(time_, self.limits) if time_ else None
        chosen = (spawner.user_options or {}).get("profile", "")
        pending = {"spawn": "starting", "stop": "stopping"}.get(spawner.pending or "", "")
        return Server(
            person=person,
            server=name,
            title=(spawner.display_name or name) if name else "",
            profile=titles(chosen) if chosen else "",
            state=pending or (container.state if container else "starting"),
            address=container.address if container else "",
            container=container.name if container else "",
            cpu=seen.cpu,
            memory=used.memory if used else None,
            memory_limit=(container.memory or None) if container else None,
            processes=used.processes if used else None,
            processes_limit=used.processes_limit if used else None,
            home=home.size if home else None,
            home_limit=self.sizes.limit or None,
            idle=max(0.0, (now - time_.last_activity).total_seconds()) if time_ else None,
            left=max(0.0, (end.when - now).total_seconds()) if end else None,
            warned=self.limits.warning,
        )

    async def platform(self, hub: Hub, waiting: int) -> Platform:
        """The rest; `waiting` is how many people wait for approval."""
        counter, away = self.counter(), ""
        turns = counter.turns
        machine = None
        try:
            async with asyncio.timeout(PATIENCE):
                machine = await counter.house()
        except (Refusal, TimeoutError) as error:
            away = str(error.__cause__ or error) or "no answer"
        host, promised, promisable = machine or (None, 0, 0)
        return Platform(
            version=version("jupyterhub"),
            up_seconds=time.monotonic() - STARTED,
            hub_memory=own_memory(),
            people=hub.db.scalar(select(func.count(orm.User.id))) or 0,
            waiting=waiting,
            routes=await _routes(hub.proxy),
            starting=turns.taken,
            queued=turns.waiting,
            at_a_time=turns.limit,
            promised=promised,
            promisable=promisable,
            memory=host.memory if host else 0,
            memory_free=host.memory_available if host else 0,
            cpus=host.cpus if host else os.cpu_count() or 0,
            load=os.getloadavg()[0],
            database=database_size(self.data),
            disk_free=disk.free(self.data),
            disk_needed=int(counter.operator.min_free_disk_gb * DISK_GB),
            differences=len(self.reconciler.found),
            away=away,
        )


async def _routes(proxy: Any) -> int | None:
    try:
        async with asyncio.timeout(PATIENCE):
            return len(await proxy.get_all_routes())
    except (OSError, HTTPClientError):  # TimeoutError is an OSError
        return None


def own_memory() -> int:
    """Bytes that this process has in memory (proc(5), statm)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def database_size(data: Path) -> int:
    """Bytes; 0 while there is none."""
    file = data / DATABASE_FILE
    return file.stat().st_size if file.exists() else 0
