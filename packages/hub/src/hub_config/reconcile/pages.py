"""How the hub is asked to reconcile, by the keeper every minute and by admins for the report; and
the page Homes: those that are put aside and those the database does not know are listed, handed
over, removed, and so are groups' folders; of a home in use a file can be had back from a backup.

The service asks for what is due; nobody else removes a home but by the button with its question.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any

from jupyterhub import orm
from jupyterhub.apihandlers.base import APIHandler
from jupyterhub.scopes import needs_scope

from hub_config import disk, reserve, tracing
from hub_config.audit import events
from hub_config.handlers import Handler
from hub_config.lifetimes.folders import FolderRow
from hub_config.lifetimes.homes import HomeError, HomeRow, VolumeRow
from hub_config.lifetimes.sizes import NEAR, Sizes
from hub_config.reconcile.desk import Desk, inside
from hub_config.reconcile.differences import Kind
from hub_config.reconcile.reconciler import Reconciler
from hub_config.reconcile.state import Hub
from hub_config.runtime.interface import AwayError

RECONCILE_SCOPE = "custom:reconcile"
"""What the keeper may do: have the hub look after what runs."""

EveryMinute = Callable[[Any], Awaitable[None]]
"""Begins what else is to be done every minute, for which it has the handler."""


class ReconcileHandler(Handler, APIHandler):
    """What is done every minute."""

    reconciler: Reconciler
    desk: Desk
    also: Iterable[EveryMinute]

    async def post(self) -> None:
        """Begin it."""
        self.require(RECONCILE_SCOPE)
        if not reserve.keep(self.db):
            self.log.warning("There is no room for the database's reserve on its disk")
        tracing.cause.set("reconcile")  # goes on in the pass that begins here
        self.reconciler.begin(Hub.of(self))
        self.set_status(202)
        self.desk.collect()
        for look in self.also:
            await look(self)

    @needs_scope("admin:users")
    async def get(self) -> None:
        """Compare now and tell, for an admin."""
        self.finish(await self.reconciler.run(Hub.of(self)))


MOST = 20
"""Homes that the page names for their size."""

PURGE_SCOPE = "custom:homes:purge"
"""What the service may do: have homes removed whose time is over, and no other."""

Others = Callable[[Any, timedelta], Awaitable[None]]
"""Removes what else is of people who were deleted so long ago."""


class HomesHandler(Handler):
    """What all of them share."""

    keep: timedelta
    reconciler: Reconciler
    sizes: Sizes
    desk: Desk
    others: Others

    def alone(self, volume: str) -> AbstractAsyncContextManager[Any]:
        """For who removes a home or hands it on: one at a time, for a removal can take minutes."""
        return self.reconciler.runtime.alone(volume)

    async def remove(self, home: VolumeRow) -> bool:
        """Remove the volume and its record; False, with a warning, while that is impossible."""
        try:
            await self.reconciler.runtime.remove_volume(home.volume)
        except AwayError as error:
            self.log.warning("Cannot remove the volume %s yet: %s", home.volume, error)
            return False
        self.log.info("Removed the volume %s of %s", home.volume, home.person)
        self.db.delete(home)
        self.db.commit()
        return True


def due_now(db: Any, keep: timedelta) -> list[VolumeRow]:
    """The homes and folders whose time is over."""
    return [*HomeRow.due(db, keep), *FolderRow.due(db, keep)]


class PurgeHandler(HomesHandler, APIHandler):
    """Removes the homes and groups' folders whose time is over, and then what is kept as long."""

    async def post(self) -> None:
        """Nothing goes before the first pass, which notices that the database is an older copy."""
        self.require(PURGE_SCOPE)
        due = due_now(self.db, self.keep) if self.reconciler.began else []
        for volume in [home.volume for home in due]:
            async with self.alone(volume):
                # One that was handed back while the others were removed is somebody's again.
                for home in due_now(self.db, self.keep):
                    person = home.person
                    if home.volume == volume and await self.remove(home):
                        events.tell("home.remove", on=person, volume=volume, why="in time")
        if self.reconciler.began:
            await self.others(self.db, self.keep)
        self.set_status(204)


class PutAsideHandler(HomesHandler):
    """The page with the homes that are put aside."""

    @needs_scope("admin:users")
    async def get(self) -> None:
        """The list."""
        await self.page()

    async def page(self, error: str = "") -> None:
        """The list, and what went wrong."""
        away = ""
        self.desk.collect()
        try:
            unknown = await self.reconciler.unknown(self.db)
        except AwayError:
            unknown = {}
            away = "The engine does not answer: homes it has are not listed."
        await self.show(
            "homes.html",
            homes=HomeRow.aside(self.db),
            folders=FolderRow.aside(self.db),
            keep=self.keep,
            unknown=unknown,
            error=error or away,
            found=self.reconciler.found,
            largest=self.largest(),
            desk=self.desk,
            sizes={name: disk.size(one.size) for name, one in self.sizes.known().items()},
        )

    def largest(self) -> list[dict[str, Any]]:
        """The homes in use that take most, the largest first; none while nobody measures."""
        known, limit = self.sizes.known(), self.sizes.limit
        of = {home.volume: home.person for home in HomeRow.all(self.db) if not home.put_aside}
        found = sorted(((known[v].size, v) for v in of if v in known), reverse=True)[:MOST]
        return [
            {"person": of[volume], "volume": volume, "near": bool(limit and size >= NEAR * limit)}
            for size, volume in found
        ]

    @needs_scope("admin:users")
    async def post(self) -> None:
        """Hand a home on to a `person`, or a folder to a `group`: one that is put aside
        (`action=hand-back`) or one the database does not know (`assign`); remove one now
        (`remove`); or ask for an older version of a file (`give-file`, `person`, `file`, `night`).
        """
        volume = self.get_body_argument("volume", "")
        try:
            match self.get_body_argument("action"):
                case "give-file":
                    self.give_file(self.get_body_argument("person").strip())
                case "hand-back" | "assign" as action:
                    await self.hand_on(volume, put_aside=action == "hand-back")
                case "remove":
                    await self.remove_now(volume, self.get_body_argument("confirmation", ""))
                case other:
                    raise HomeError(f"There is no action {other!r}.")
        except HomeError as error:
            self.set_status(400)
            return await self.page(str(error))
        self.lead_to("homes")

    def give_file(self, person: str) -> None:
        """Have a file of a person's home put beside what is there, as a night's backup has it."""
        path, night = inside(self.get_body_argument("file")), self.get_body_argument("night", "")
        if night and not re.fullmatch(r"\d{4}-\d\d-\d\d", night):
            raise HomeError(f"{night!r} is no day; expected one such as 2026-11-30.")
        user = self.find_user(person)
        home = user and HomeRow.in_use(self.db, user.id)
        if not home:
            raise HomeError(f"There is no home of a person called {person}.")
        wanted = {"on": person, "volume": home.volume, "path": path, "night": night}
        self.desk.wish(who=self.current_user.name, **wanted)
        events.note(volume=home.volume, path=path)

    async def hand_on(self, volume: str, *, put_aside: bool) -> None:
        """Give a home to an existing person who runs no server, or a folder to a group."""
        group = self.get_body_argument("group", "").strip()
        name = group or self.get_body_argument("person").strip()
        table, kind = (FolderRow, Kind.FOLDER) if group else (HomeRow, Kind.HOME)
        async with self.alone(volume):
            strange = [] if put_aside else (await self.reconciler.unknown(self.db))[kind]
            owner = orm.Group.find(self.db, name) if group else self.idle(name)
            if owner is None:
                raise HomeError(f"There is no group called {name}.")
            if put_aside and (row := table.find_put_aside(self.db, volume)):
                row.hand_to(self.db, owner)
            elif found := next((one for one in strange if one.name == volume), None):
                table.assign(self.db, found, owner)
            else:
                raise HomeError(f"There is nothing called {volume} to be handed on.")
        self.log.info("%s handed the volume %s to %s", self.current_user.name, volume, name)

    def idle(self, person: str) -> Any:
        """The person of that name, who may not run a server; raises HomeError."""
        user = self.find_user(person)
        if user is None:
            raise HomeError(f"There is no person called {person}.")
        if user.active:
            raise HomeError(f"{person} has a server running; it has to be stopped first.")
        return user

    async def remove_now(self, volume: str, confirmation: str) -> None:
        """Remove a home before its time; `confirmation` has to be the volume's name."""
        if confirmation != volume:
            raise HomeError(f"To remove {volume}, type its name.")
        async with self.alone(volume):
            tables = (table.find_put_aside(self.db, volume) for table in (HomeRow, FolderRow))
            if (row := next(filter(None, tables), None)) is None:
                raise HomeError(f"There is nothing called {volume} that is put aside.")
            removed = await self.remove(row)
        if not removed:
            raise HomeError(f"The engine did not remove {volume}; see the hub's log.")


def homes_routes(**given: Any) -> list[tuple[str, Any, dict[str, Any]]]:
    """Where they are, below the hub's prefix; `given` is what the handlers say they need."""
    handlers: dict[str, type[Handler]] = {
        r"/homes": PutAsideHandler,
        r"/api/homes/purge": PurgeHandler,
        r"/api/reconcile": ReconcileHandler,
    }
    return [(path, handler, given) for path, handler in handlers.items()]
