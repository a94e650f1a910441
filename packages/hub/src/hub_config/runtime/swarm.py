"""A swarm as the place where servers run: each is a service with one task, on an overlay that hub
and proxy join as they join bridges. Hub, proxy and filter stay containers of one of its managers.

A task is never started again: its end is the server's. A service is gone for the hub when none of
its tasks can run any more, so a machine that does not answer keeps its server's place and home.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from docker.errors import NotFound

from hub_config import names
from hub_config.runtime import services
from hub_config.runtime.calls import LOG_LINES
from hub_config.runtime.docker import DockerRuntime, answered, log
from hub_config.runtime.interface import (
    AwayError,
    Container,
    NetworkError,
    Usage,
    View,
    Volume,
)
from hub_config.runtime.records import GUARD

PATIENCE, LOOK_AGAIN = 30.0, 0.3
"""Seconds in which a machine that is back has to take servers, and between two looks at what is
just beginning or ending."""


class SwarmRuntime(DockerRuntime):
    """One for the whole hub."""

    def _nodes(self) -> services.Nodes:
        return {node["ID"]: node for node in self.client.nodes()}

    def _tasks(self, *labels: str) -> list[services.Record]:
        wanted = [f"{names.PLATFORM}={self.networks.platform}", *labels]
        return self._ask("tasks", wanted)

    def _ask(self, method: str, labels: list[str]) -> list[services.Record]:
        found: list[services.Record] = getattr(self.client, method)(filters={"label": labels})
        return found

    # -- what there is -------------------------------------------------------------------------

    def _view(self) -> View:
        seen = super()._view()
        return replace(seen, removal=services.removal, volumes=services.homes(seen.volumes))

    def _containers(self, name: str = "") -> list[Container]:
        """All, or what there is of one; a service that was removed while a task of it may run."""
        which = [f"{names.NAME}={name}"] if name else [names.USER]
        wanted = [f"{names.PLATFORM}={self.networks.platform}", *which]
        known = {one["ID"]: one["Spec"]["Labels"] for one in self._ask("services", wanted)}
        nodes, tasks = self._nodes(), services.by_service(self._tasks(*which))
        for service, left in tasks.items():
            if service not in known and not all(services.is_over(one, nodes) for one in left):
                known[service] = services.labels(left[0])
        return [
            services.container(service, tasks.get(service, ()), nodes, labels)
            for service, labels in known.items()
        ]

    def _find(self, name: str) -> Container | None:
        return next(iter(self._containers(name)), None)

    async def _running(self) -> frozenset[str]:
        with answered():
            return frozenset(one.id for one in await self.call("", self._containers) if one.runs)

    async def usage(self, container: Container) -> Usage | None:
        """None: only a container's own engine tells, and the hub asks one."""
        return None

    def _lines(self, container: str) -> bytes:
        lines = str(LOG_LINES)
        told = self.client.service_logs(container, stdout=True, stderr=True, tail=lines)
        return told if isinstance(told, bytes) else b"".join(told)

    async def told(self, container: Container) -> list[str]:
        """What the swarm says of a start, for its person."""
        with answered():
            name = f"{names.NAME}={container.name}"
            return services.waits(await self.call(container.name, self._tasks, name))

    async def info(self) -> Mapping[str, Any]:  # type: ignore[override]
        """How large the swarm is."""
        with answered():
            return services.house((await self.call("", self._nodes)).values())

    # -- the beginning and the end -------------------------------------------------------------

    async def _end(self, container: Container, *, gently: bool) -> None:
        await self.whole(container.name, self._remove(container))

    async def _remove(self, container: Container) -> None:
        """Remove a service and return when nothing of it can run any more.

        Raises AwayError when a machine that does not answer may still run it.
        """
        name = f"{names.NAME}={container.name}"
        with answered():
            with suppress(NotFound):
                await self.call("", self.client.remove_service, container.id)
            while True:
                tasks = services.by_service(await self.call("", self._tasks, name))
                nodes, left = await self.call("", self._nodes), tasks.get(container.id, [])
                if all(services.is_over(one, nodes) for one in left):
                    return
                if silent := services.silent(left, nodes):
                    raise AwayError(silent)
                await asyncio.sleep(LOOK_AGAIN)

    # -- homes ---------------------------------------------------------------------------------

    def _guarded(self) -> frozenset[str] | None:
        """The nodes whose firewall is in place; None where there need be none."""
        if not self.networks.firewall:
            return None
        return services.nodes_with(self._tasks(f"{names.NAME}={GUARD}"))

    def _comes(self, node: str) -> bool:
        nodes, behind = self._nodes(), self.networks.firewall
        guards = self._tasks(f"{names.NAME}={GUARD}") if behind else None
        return services.comes({node: nodes[node]} if node in nodes else nodes, guards)

    async def _come(self, node: str = "") -> None:
        """Return when a server can be started on this node, or any; when none can soon, at once."""
        end = time.monotonic() + PATIENCE
        while await self.call("", self._comes, node) and time.monotonic() < end:
            await asyncio.sleep(LOOK_AGAIN)

    async def make_volume(self, volume: Volume) -> Volume:
        """The home of that name; a new one is on a node that takes servers now."""
        with answered():
            await self._come()
        return await super().make_volume(volume)

    def _make_volume(self, volume: Volume, more: Mapping[str, str]) -> Mapping[str, Any]:
        """What the hub's engine has is a note; the files are on the node that has most room now."""
        nodes, tasks = self._nodes(), self._tasks(names.USER)
        if not (node := services.roomiest(nodes, tasks, self._guarded())):
            raise AwayError(
                "no machine of the swarm takes servers: each is away, drained, or without the "
                f"firewall (a running task of the service {GUARD} on each: docs/swarm.md)"
            )
        return super()._make_volume(volume, {services.NODE: node, **more})

    async def home(self, volume: str) -> tuple[services.Record, dict[str, Any]]:
        """The node where a home is, and its mount there. Raises NetworkError for one on which no
        server may be started now.
        """
        with answered():
            node, mount = await self.call("", self._home, volume)
            await self._come(node)
            nodes, guarded = await self.call("", self._nodes), await self.call("", self._guarded)
        if node not in nodes:
            raise NetworkError(f"the machine with this home, {node}, is no part of the swarm")
        if not services.takes(nodes[node]):
            name = services.hostname(nodes[node])
            raise NetworkError(f"the machine with this home, {name}, is away or drained")
        if guarded is not None and node not in guarded:
            name = services.hostname(nodes[node])
            raise NetworkError(f"the firewall (service {GUARD}) is not in place on {name}")
        return nodes[node], mount

    def _home(self, volume: str) -> tuple[str, dict[str, Any]]:
        own = self.client.info()["Swarm"]["NodeID"]
        return services.home(self.client.inspect_volume(volume), own)

    async def remove_volume(self, name: str) -> None:
        """Forget a home. The hub has the engine of one node: the files are removed on theirs."""
        if (found := await self._if_there("", self._home, name)) is None:
            return
        await super().remove_volume(name)
        node, mount = found
        if mount["Source"] != name:
            log.warning("Remove %s on the node %s by hand", mount["Source"], node)
