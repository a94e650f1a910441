"""The Docker Engine as the place where servers run: `calls.Runtime` by docker-py."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any

import requests
from docker.errors import APIError, DockerException, NotFound

from hub_config import names
from hub_config.runtime import records
from hub_config.runtime.attachments import attach_missing
from hub_config.runtime.calls import LOG_LINES, EngineCalls, Result
from hub_config.runtime.glances import heard
from hub_config.runtime.interface import AwayError, Container, Place, Usage, View, Volume
from hub_config.runtime.networks import ServerNetworks
from hub_config.runtime.records import subnet_of

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
        self._joining: dict[str, asyncio.Future[None]] = {}

    async def _if_there(
        self, name: str, function: Callable[..., Result], *arguments: Any, **named: Any
    ) -> Result | None:
        """Call the engine for the container `name`; None for what is not there."""
        try:
            with answered():
                return await self.call(name, function, *arguments, **named)
        except AwayError as error:
            if isinstance(error.__cause__, NotFound):
                return None
            raise

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

    async def _look(self, name: str) -> Container | None:
        return await self._if_there(name, self._find, name)

    def _find(self, name: str) -> Container | None:
        """Raises NotFound."""
        return records.container(self.client.inspect_container(name))

    async def _running(self) -> frozenset[str]:
        with answered():
            listed = await self.call(
                "", partial(self.client.containers, all=True, filters=self._own)
            )
        return frozenset(one["Id"] for one in listed if one["State"] == "running")

    async def usage(self, container: Container) -> Usage | None:
        """What it takes now; None when it does not run."""
        with answered():
            return records.usage(await self.docker("stats", container.id, False, False, True))

    async def _log(self, container: Container) -> bytes:
        with answered():
            return await self.call(container.name, self._lines, container.id)

    def _lines(self, container: str) -> bytes:
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

    async def _end(self, container: Container, *, gently: bool) -> None:
        if gently and container.state == "running":
            await self._until_done(container, self.client.stop, container.id)
        await self._until_done(
            container, self.client.remove_container, container.id, v=True, force=True
        )

    async def _until_done(
        self, container: Container, function: Callable[..., Any], *arguments: Any, **named: Any
    ) -> None:
        """One that is gone is fine; while somebody else is removing it, return when it is gone."""
        while True:
            try:
                await self._if_there(container.name, function, *arguments, **named)
            except AwayError as error:
                cause = error.__cause__
                if not (isinstance(cause, APIError) and cause.status_code == HTTPStatus.CONFLICT):
                    raise
                await asyncio.sleep(LOOK_AGAIN)
            else:
                return

    # -- homes ---------------------------------------------------------------------------------

    async def volume(self, name: str) -> Volume | None:
        """One home, None when there is none of that name."""
        record = await self._if_there("", self.client.inspect_volume, name)
        return records.volume(record) if record else None

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
        await self._if_there("", self.client.remove_volume, name)
