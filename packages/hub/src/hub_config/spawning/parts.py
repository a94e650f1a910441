"""What one server's start and end are composed of: its home found or made, waiting until it
answers, and its end; `folders` are what its person shares.

JupyterHub asks whether a server answers with growing pauses of up to five seconds (utils.py,
exponential_backoff), which makes people wait for nothing. A request to a port nobody listens on
costs next to nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp
from sqlalchemy.orm import Session

from hub_config.lifetimes import homes
from hub_config.runtime.calls import Runtime
from hub_config.runtime.interface import AwayError, Container, NetworkError, Place, Volume
from hub_config.told import StartFailure

GONE = (
    "Your home, the volume {volume} with your files, is not there any more: somebody has removed "
    "it. Nothing was started. An administrator may be able to restore it from a backup; to begin "
    "with an empty home instead, start the server again."
)


log = logging.getLogger(__name__)


class Owner(Protocol):
    """What this needs of JupyterHub's user."""

    id: int
    name: str
    db: Session


class Home:
    """The home of `owner`."""

    def __init__(self, owner: Any, prefix: str, runtime: Runtime) -> None:
        self.owner: Owner = owner
        self.prefix, self.runtime = prefix, runtime

    @property
    def database(self) -> str:
        """The id of the hub's database."""
        return homes.database_id(self.owner.db)

    async def ready(self) -> str:
        """The name of the volume, which is there.

        Nobody gets a volume that the database does not know to be theirs: where their name is
        taken by one of another origin they get the next one. Raises StartFailure, once, when the
        volume that was theirs is gone; AwayError when the runtime fails.
        """
        database, db = self.database, self.owner.db
        home = homes.claim(db, self.owner.id, self.owner.name, self.prefix)
        while True:
            found = await self.runtime.volume(home.volume)
            if found is None:
                if home.made and homes.is_missing(db, home):
                    raise StartFailure(GONE.format(volume=home.volume), status_code=409)
                wanted = Volume(
                    home.volume,
                    self.owner.name,
                    home.token or homes.new_token(db, home),
                    database,
                    str(self.owner.id),
                )
                found = await self.runtime.make_volume(wanted)
            if homes.is_theirs(home, found):
                home.is_made(db)
                return home.volume
            log.warning(
                "%s is there and is of no home this database knows; %s gets another one. The page "
                "Homes lists it.",
                home.volume,
                self.owner.name,
            )
            home = home.another(db, self.prefix)


PAUSE = 0.03
"""Seconds between two requests."""

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
"""How long a request may take: on a busy machine a server answers in more than five seconds."""

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
    # An address is soon found to be nobody's yet; an answer that is begun is not begun anew.
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
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


PATIENCE = 90.0
"""Seconds a stop waits for the engine: the ten that a server has to finish, and what container and
network take to be removed on a busy machine."""

SOMEBODY_ELSES = (
    "The container {name} is there and was made with another database of this platform, so nothing "
    "was started. Tell an administrator: the hub's log and the page Homes say more."
)


class Ending:
    """How the server at `place` ends; containers of this hub are labelled with
    `database`."""

    def __init__(self, runtime: Runtime, place: Place, database: str) -> None:
        self.runtime, self.place, self.database = runtime, place, database

    async def clear(self, *, gently: bool, network: bool = True) -> None:
        """Remove this server's container, and its network, with all that is just being made.

        Raises StartFailure for a container that another database's hub made: its person may be at
        work in it. Raises AwayError, and NetworkError for a network that is not the platform's.
        """
        name = self.place.container
        async with self.runtime.alone(name):
            await self.runtime.settled(name)
            if found := await self.runtime.look(name):
                if found.database != self.database:
                    raise StartFailure(SOMEBODY_ELSES.format(name=name), status_code=409)
                await self.runtime.end(found, gently=gently)
            if network:
                await self.runtime.remove_network(self.place.network)

    async def clear_if_possible(self, *, gently: bool) -> None:
        """The same; what cannot be removed now is logged, and left to reconciling."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self.clear(gently=gently)
        except (AwayError, NetworkError, StartFailure, TimeoutError) as error:
            log.error(
                "%s: not ended yet, it is as soon as the engine does it: %s",
                self.place.container,
                str(error) or f"no answer within {PATIENCE:g} seconds",
            )
            self.runtime.left_behind()

    async def how(self) -> str | None:
        """For a server that is starting: how its container ended, None while it runs."""
        name = self.place.container
        try:
            found = await self.runtime.look(name)
        except AwayError:
            return None
        if found is None:
            return f"The container {name} was removed while its server was starting."
        return None if found.runs else await self.describe(found)

    async def last_lines(self) -> str:
        """What a container that is known wrote last."""
        found = self.runtime.known.get(self.place.container)
        return await self.runtime.last_lines(found) if found else "(it has no container)"

    async def describe(self, container: Container) -> str:
        """Why the container ended, and the last lines it wrote."""
        return f"{container.why} Its last lines:\n{await self.runtime.last_lines(container)}"
