"""The Docker Engine as the place where servers run: `interface.Runtime` by docker-py."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from docker.errors import APIError, DockerException, NotFound

from hub_config import names
from hub_config.runtime import records
from hub_config.runtime.attachments import attach_missing
from hub_config.runtime.calls import EngineCalls, heard
from hub_config.runtime.glances import Glances
from hub_config.runtime.interface import AwayError, Container, Place, Usage, View, Volume
from hub_config.runtime.networks import ServerNetworks
from hub_config.runtime.records import subnet_of

LOG_LINES = 20
"""Lines of a container's log that are kept when it ended by itself."""

LOOK_AGAIN = 0.1
"""Seconds between two looks at a container that somebody else is removing."""

log = logging.getLogger(__name__)


@contextmanager
def answered() -> Iterator[None]:
    """Turns what docker-py raises into an AwayError."""
    try:
        yield
    except (DockerException, requests.RequestException) as error:
        raise AwayError(str(error)) from error


class DockerRuntime(EngineCalls):
    """One for the whole hub."""

    def __init__(self, networks: ServerNetworks, threads: int = 16) -> None:
        """`threads` is how many calls to the engine may be under way."""
        super().__init__(threads)
        self.networks = networks
        self._glances = Glances(self._running)
        self._joining: dict[str, asyncio.Future[None]] = {}

    # -- what there is -------------------------------------------------------------------------

    async def view(self) -> View:
        """Everything there is now."""
        before = dict(self.known)
        with answered():
            view = await self.call("", self._view)
        return replace(view, containers=self.saw(view.containers, before))

    @property
    def _own(self) -> dict[str, list[str]]:
        return {"label": [f"{names.PLATFORM}={self.networks.platform}", names.USER]}

    def _view(self) -> View:
        platform, own = self.networks.platform, self._own
        # A network is made before its container: asked in this order, none can seem to be missing.
        containers = self._containers()
        attached = records.members(self.client, platform)
        networks = [records.network(one, attached) for one in self.client.networks(filters=own)]
        listed = self.client.volumes(filters={"label": own["label"][:1]})["Volumes"] or []
        volumes, folders = (
            tuple(records.volume(one) for one in listed if (one["Labels"] or {}).keys() & labels)
            for labels in ({names.USER}, {names.FOLDER})
        )
        return View(tuple(containers), tuple(networks), volumes, folders)

    def _containers(self) -> list[Container]:
        listed = self.client.containers(all=True, filters=self._own)
        return [one for record in listed if (one := self._listed(record)) is not None]

    def _listed(self, record: Mapping[str, Any]) -> Container | None:
        """A container of the list. It says nothing of limits, which never change: only one that is
        seen for the first time is asked for them.
        """
        name = record["Names"][0].lstrip("/")
        known = self.known.get(name)
        if known is None or known.id != record["Id"]:
            try:
                return records.container(self.client.inspect_container(record["Id"]))
            except NotFound:
                return None
        return replace(known, state=record["State"], **records.attached(record))

    async def look(self, name: str) -> Container | None:
        """One container, None when there is none of that name."""
        try:
            with answered():
                container = await self.call(name, self._look, name)
        except AwayError as error:
            if not isinstance(error.__cause__, NotFound):
                raise
            self.known.pop(name, None)
            return None
        self.known[name] = container
        self._glances.looked(container.id)
        return container

    def _look(self, name: str) -> Container:
        """Raises NotFound."""
        return records.container(self.client.inspect_container(name))

    async def still_runs(self, container: Container) -> bool:
        """Whether a container that ran goes on, as far as it can be told without a look at it."""
        with answered():
            return await self._glances.still_runs(container.id)

    async def _running(self) -> frozenset[str]:
        listed = await self.call("", partial(self.client.containers, all=True, filters=self._own))
        return frozenset(one["Id"] for one in listed if one["State"] == "running")

    async def usage(self, container: Container) -> Usage | None:
        """What it takes now; None when it does not run."""
        with answered():
            return records.usage(await self.docker("stats", container.id, False, False, True))

    async def last_lines(self, container: Container) -> str:
        """The end of its log. Raises nothing."""
        try:
            with answered():
                lines = await self.call(container.name, self._log, container.id)
        except AwayError as error:
            return f"(no log: {error})"
        return records.readable(lines)

    async def told(self, container: Container) -> list[str]:
        """Nothing: an engine starts what it is told to."""
        return []

    def _log(self, container: str) -> bytes:
        lines: bytes = self.client.logs(container, tail=LOG_LINES)
        return lines

    # -- networks ------------------------------------------------------------------------------

    async def connect(self, place: Place) -> str:
        """Make the server's network; returns the server's address there.

        The container can be made and started while hub and proxy are being attached: they are
        needed once the server is up. Raises docker-py's errors, and NetworkError when there can be
        no network.
        """
        async with self.alone(place.network):
            # One that is just being removed would be taken for one that is there.
            await self.settled(place.network)
            made = await self.call(
                place.container,
                self.networks.make,
                self.client,
                place.network,
                place.user,
                place.server,
            )
        joining = self.call(place.container, self.networks.join, self.client, made)
        joining.add_done_callback(heard)
        self._joining[place.container] = joining
        return subnet_of(made).server

    def at(self, place: Place, address: str) -> Any:
        """The one network of a container that is about to be made, and its address there."""
        endpoint: Any = self.client.create_endpoint_config(ipv4_address=address)
        places: Any = {place.network: endpoint}
        return self.client.create_networking_config(places)

    async def joined(self, place: Place) -> None:
        """Return when hub and proxy are on the network. Raises NetworkError when they cannot be."""
        if (joining := self._joining.pop(place.container, None)) is not None:
            await joining

    async def attach(self) -> list[str]:
        """Bring hub and proxy back to every network that lacks them; tells what was done."""
        with answered():
            return await self.call("", attach_missing, self.client, self.networks.platform)

    async def remove_network(self, name: str) -> None:
        """Remove a server's network; none of that name is no error."""
        with answered():
            await self.call(name, self.networks.remove, self.client, name)

    # -- the end -------------------------------------------------------------------------------

    async def end(self, container: Container, *, gently: bool = True) -> None:
        """End a container and remove it: by its id, never another that has its name by now."""
        if gently and container.state == "running":
            if self.before_end:
                await self.before_end(container)
            await self._none_is_fine(container, self.client.stop, container.id)
        await self._none_is_fine(
            container, self.client.remove_container, container.id, v=True, force=True
        )
        if (known := self.known.get(container.name)) is None or known.id == container.id:
            self.known.pop(container.name, None)

    async def _none_is_fine(
        self, container: Container, function: Callable[..., Any], *arguments: Any, **named: Any
    ) -> None:
        while True:
            try:
                with answered():
                    await self.call(container.name, function, *arguments, **named)
            except AwayError as error:
                cause = error.__cause__
                if isinstance(cause, NotFound):
                    return
                busy = isinstance(cause, APIError) and cause.status_code == HTTPStatus.CONFLICT
                if not busy:
                    raise
                # Somebody else is removing it: return when it is gone.
                await asyncio.sleep(LOOK_AGAIN)
            else:
                return

    # -- homes ---------------------------------------------------------------------------------

    async def volume(self, name: str) -> Volume | None:
        """One home, None when there is none of that name."""
        try:
            with answered():
                return records.volume(await self.call("", self.client.inspect_volume, name))
        except AwayError as error:
            if isinstance(error.__cause__, NotFound):
                return None
            raise

    async def make_volume(self, volume: Volume) -> Volume:
        """The home of that name: the engine answers with the one that is there, if one is."""
        with answered():
            return records.volume(await self.call("", self._make_volume, volume, {}))

    def _make_volume(self, volume: Volume, more: Mapping[str, str]) -> Mapping[str, Any]:
        labels = {
            names.PLATFORM: self.networks.platform,
            names.USER: volume.user,
            names.OWNER: volume.owner,
            names.DATABASE: volume.database,
            names.HOME: volume.token,
            **more,
        }
        made: Mapping[str, Any] = self.client.create_volume(volume.name, labels=labels)
        return made

    async def remove_volume(self, name: str) -> None:
        """Remove a home for good; none of that name is no error."""
        with answered(), suppress(NotFound):
            await self.call("", self.client.remove_volume, name)
