"""Looks, lets `differences` decide, does what it says: one pass at a time, in the hub's process.

What the acts need of JupyterHub comes with the request that asks for the first pass.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyterhub import orm
from sqlalchemy.orm import Session
from tornado.httpclient import HTTPClientError

from hub_config import disk, upstream
from hub_config.audit import events
from hub_config.lifetimes import homes
from hub_config.lifetimes.folders import FolderRow
from hub_config.lifetimes.homes import HomeRow
from hub_config.moments import written
from hub_config.reconcile import backwards, differences
from hub_config.reconcile.differences import Difference, Kind, Known, Remedy
from hub_config.reconcile.state import Hub, Runs, is_active, known_volumes, running, servers
from hub_config.runtime.calls import Runtime
from hub_config.runtime.interface import AwayError, Container, Key, NetworkError, View, Volume

AGAIN = 5.0
"""Seconds after which what could not be mended is tried again; each time twice as many."""

PATIENCE = 120.0
"""Seconds that mending one difference may take; then it is tried again at the next pass."""

PARALLEL = 8
"""Servers that are ended at the same time."""

log = logging.getLogger("reconcile")


class Reconciler:
    """One for the whole hub."""

    def __init__(self, runtime: Callable[[], Runtime], report: Path, mark: Path) -> None:
        """`runtime` is asked for once it is needed. `report` is the file where the last report is
        kept for `python -m hub_config report`, `mark` the one that tells an older database.
        """
        self._make_runtime = runtime
        self.report_file, self.mark = report, mark
        self.began = False
        """Whether a pass has begun, so that an older copy of the database was noticed."""
        self._hub: Hub | None = None
        self._one = asyncio.Lock()
        self._unused: frozenset[str] = frozenset()
        self._failures = 0
        self.found: tuple[Difference, ...] = ()
        """What the last pass found."""
        self._soon: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[Any] | None = None

    @cached_property
    def runtime(self) -> Runtime:
        """Where servers run."""
        runtime = self._make_runtime()
        # A moment later: whoever leaves something behind is still at it.
        runtime.left_behind = lambda: self.kick(1.0)
        return runtime

    # -- when ----------------------------------------------------------------------------------

    def begin(self, hub: Hub) -> None:
        """Have a pass now."""
        self._hub = hub
        self.kick()

    def kick(self, after: float = 0.0) -> None:
        """Have a pass soon: something was left behind. One that is due later comes sooner."""
        if self._hub is None:
            return
        loop = asyncio.get_running_loop()
        if self._soon is not None:
            if self._soon.when() <= loop.time() + after:
                return
            self._soon.cancel()
        self._soon = loop.call_later(after, self._begin)

    def _again(self) -> None:
        """The keeper asks every minute in any case."""
        self.kick(AGAIN * 2 ** min(self._failures, 4))
        self._failures += 1

    def _begin(self) -> None:
        self._soon = None
        if self._hub is not None:
            self._task = asyncio.ensure_future(self.run(self._hub))

    async def run(self, hub: Hub) -> dict[str, Any]:
        """One pass; returns the report. Raises nothing for an engine that is away."""
        self._hub = hub
        async with self._one:
            self.began = backwards.look(hub.db, self.mark) or self.began
            active, before = servers(hub)
            try:
                view = await self.runtime.view()
            except AwayError as error:
                log.warning("The engine does not answer, so nothing can be compared: %s", error)
                self._again()
                return self._report([], away=str(error))
            # What begins or ends while the runtime is looked at is neither here nor there.
            active_now, after = servers(hub)
            runs = {key: run for key, run in before.items() if after.get(key) is run}
            known = self._known(hub.db, active | active_now, frozenset(runs))
            found = differences.differences(view, known)
            self._unused = differences.unused_networks(view, known)
            self._tell(found)
            mended = await self._mend(hub, view, runs, found)
            if not mended:
                self._again()
            else:
                self._failures = 0
                if self._unused:
                    self.kick(AGAIN)
            return self._report(found)

    # -- what is known -------------------------------------------------------------------------

    def _known(
        self,
        db: Session,
        active: frozenset[Key] = frozenset(),
        ready: frozenset[Key] = frozenset(),
    ) -> Known:
        return Known(
            database=homes.database_id(db),
            active=active,
            ready=ready,
            homes=known_volumes(db, HomeRow),
            folders=known_volumes(db, FolderRow),
            unused=self._unused,
        )

    async def unknown(self, db: Session) -> dict[Kind, list[Volume]]:
        """The homes, and the groups' folders, that the database does not know. Raises AwayError."""
        return differences.unknown(await self.runtime.view(), self._known(db))

    # -- what is done --------------------------------------------------------------------------

    async def _mend(self, hub: Hub, view: View, runs: Runs, found: list[Difference]) -> bool:
        """Do what has to be done; False when something could not be."""
        adopted = {one.kind for one in found if one.remedy is Remedy.ADOPT}
        if Kind.HOME in adopted:
            HomeRow.put_aside_of_nobody(hub.db)
        if Kind.FOLDER in adopted:
            FolderRow.put_aside_of_nobody(hub.db)
        limit = asyncio.Semaphore(PARALLEL)

        async def mend(one: Difference) -> bool:
            async with limit:
                try:
                    async with asyncio.timeout(PATIENCE):
                        await self._mend_one(hub, one, view, runs)
                except (AwayError, NetworkError, OSError, HTTPClientError) as error:
                    # OSError: the proxy is away; TimeoutError, which has no words, is one too.
                    why = str(error) or f"no answer within {PATIENCE:g} seconds"
                    log.warning("Not mended yet, tried again soon: %s (%s)", one.sentence, why)
                    return False
                except Exception:  # one that cannot be mended keeps no other from being
                    log.exception("Not mended: %s", one.sentence)
                    return False
            return True

        acts = [one for one in found if one.remedy is not Remedy.REPORT]
        return all(await asyncio.gather(*(mend(one) for one in acts)))

    async def _mend_one(self, hub: Hub, one: Difference, view: View, runs: Runs) -> None:
        containers = {container.name: container for container in view.containers}
        match one.remedy, one.kind:
            case Remedy.STOP, Kind.CONTAINER:
                # An operator may have attached it to other people's networks, too.
                networks = [network.name for network in view.networks if network.key == one.key]
                await self._end_container(hub, containers[one.name], networks)
            case Remedy.STOP, Kind.SERVER:
                await self._end_server(hub, one, containers.get(one.name), runs[one.key])
            case Remedy.REMOVE, Kind.NETWORK:
                async with self.runtime.alone(one.name):
                    if not is_active(hub, one.key):
                        await self.runtime.remove_network(one.name)
            case Remedy.ADOPT, Kind.NETWORK:
                for line in await self.runtime.attach():
                    log.info("Attached %s", line)

    async def _end_container(self, hub: Hub, container: Container, networks: list[str]) -> None:
        async with self.runtime.alone(container.name):
            await self.runtime.settled(container.name)
            if is_active(hub, container.key):
                return
            await self.runtime.end(container)
            events.tell("server.stopped", on=container.user, server=container.server)
            for network in networks:
                await self.runtime.remove_network(network)

    async def _end_server(
        self, hub: Hub, one: Difference, container: Container | None, run: orm.Server
    ) -> None:
        """End a server in the hub, which takes it for running; its container may be gone.

        Only this `run`, not one that its person has begun since.
        """
        name, server = one.key
        user = hub.users.get(name)
        if (spawner := running(user, server, run)) is None:
            return
        if container is None and await spawner.poll() is None:
            return
        if running(user, server, run) is not spawner:
            return
        if container is not None:
            spawner.last_end = one.sentence
        with upstream.stopping(spawner):
            await hub.proxy.delete_user(user, server)
            await user.stop(server)

    # -- what is said --------------------------------------------------------------------------

    def _tell(self, found: list[Difference]) -> None:
        """Log what is news."""
        for one in (one for one in found if one not in self.found):
            log.warning("%s: %s", one.remedy, one.sentence)
        self.found = tuple(found)

    def _report(self, found: list[Difference], away: str = "") -> dict[str, Any]:
        promised = [
            {"container": one.name, "user": one.user, "server": one.server}
            | {"memory": one.memory, "cpus": one.cpus}
            for one in self.runtime.known.values()
            if one.runs
        ]
        report = {
            "at": written(),
            "engine_away": away,
            "differences": [asdict(one) for one in found],
            "promised": promised,
        }
        disk.write(self.report_file, json.dumps(report, indent=1).encode())
        return report
