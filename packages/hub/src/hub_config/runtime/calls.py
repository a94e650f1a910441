"""Calls to what runs servers: who waits for one can leave it alone; those to the Docker Engine are
made on threads.

What was begun goes on; `settled` waits for it, by the name of the container that it concerns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import cached_property, partial
from typing import Any, ParamSpec, TypeVar

from docker.utils import kwargs_from_env

from hub_config.runtime.client import Client
from hub_config.runtime.glances import Glances
from hub_config.runtime.interface import AwayError, Container, Place, Usage, View, Volume
from hub_config.runtime.records import readable

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

LOG_LINES = 20
"""Lines of a server's log that are kept when it ended by itself."""


class Runtime:
    """What the hub needs of the place where servers run, and what is the same of each. Docker
    (`docker.DockerRuntime`), a swarm (`swarm.SwarmRuntime`) and Kubernetes
    (`kubernetes.KubernetesRuntime`) are such places; how a container is made of a profile is the
    business of that one's own spawner (`container_spawner`, `service_spawner`, `pod_spawner`).

    Each call may be cancelled at any moment and then returns at once: what it had begun goes on,
    and `settled` waits for it. Each raises AwayError when the runtime fails it, unless it says so.
    """

    def __init__(self) -> None:
        self.known: dict[str, Container] = {}
        """The containers by name, as they were seen last: in `view` or `look`."""
        self.seen = False
        """Whether `known` is all there is: false until the first view."""
        self.left_behind: Callable[[], None] = lambda: None
        """Called when something could not be removed; whoever reconciles listens."""
        self.before_end: Callable[[Container], Awaitable[None]] | None = None
        """Looks at a container that is about to be stopped; raises nothing."""
        self._under_way: dict[str, set[Future[Any] | asyncio.Future[Any]]] = {}
        self._alone: dict[str, asyncio.Lock] = {}
        self._glances = Glances(self._running)

    # -- what there is -------------------------------------------------------------------------

    async def view(self) -> View:
        """Everything there is now."""
        raise NotImplementedError

    async def look(self, name: str) -> Container | None:
        """One container, None when there is none of that name."""
        if (found := await self._look(name)) is None:
            self.known.pop(name, None)
            return None
        self.known[name] = found
        self._glances.looked(found.id)
        return found

    async def _look(self, name: str) -> Container | None:
        raise NotImplementedError

    async def still_runs(self, container: Container) -> bool:
        """Whether a container that ran goes on, for who asks again and again: what that costs does
        not grow with everybody. False when only a look can tell.
        """
        return await self._glances.still_runs(container.id)

    async def _running(self) -> frozenset[str]:
        """The ids of the containers that run."""
        raise NotImplementedError

    async def usage(self, container: Container) -> Usage | None:
        """What it takes now; None when it does not run, or where that cannot be told. One that is
        gone is an AwayError.
        """
        return None

    async def last_lines(self, container: Container) -> str:
        """The end of its log. Raises nothing."""
        try:
            return readable(await self._log(container))
        except AwayError as error:
            return f"(no log: {error})"

    async def _log(self, container: Container) -> bytes:
        raise NotImplementedError

    async def told(self, container: Container) -> list[str]:
        """What is said of its start so far, for its person."""
        return []

    def info(self) -> "Awaitable[Mapping[str, Any]]":
        """How large the place is: `MemTotal` in bytes, `NCPU`; where what is free now can be told
        by it alone, `Elsewhere` is true, and the hub's own machine is not asked.
        """
        raise NotImplementedError

    # -- networks, where they are ours to make -------------------------------------------------

    async def connect(self, place: Place) -> str:
        """Have a network for this server, with hub and proxy on their way; returns its address,
        empty where it gets one only when it starts.
        """
        return ""

    async def joined(self, place: Place) -> None:
        """Return when hub and proxy can be reached there."""

    async def attach(self) -> list[str]:
        """Bring hub and proxy back to every network that lacks them; tells what was done."""
        return []

    async def remove_network(self, name: str) -> None:
        """Remove a server's network; none of that name is no error. Raises NetworkError."""

    # -- the end -------------------------------------------------------------------------------

    async def end(self, container: Container, *, gently: bool = True) -> None:
        """End a container, with time to finish when `gently`, and remove it: this very one, never
        another that has its name by now.
        """
        if gently and container.runs and self.before_end:
            await self.before_end(container)
        await self._end(container, gently=gently)
        if (known := self.known.get(container.name)) is None or known.id == container.id:
            self.known.pop(container.name, None)

    async def _end(self, container: Container, *, gently: bool) -> None:
        raise NotImplementedError

    # -- homes ---------------------------------------------------------------------------------

    async def volume(self, name: str) -> Volume | None:
        """One home, None when there is none of that name."""
        raise NotImplementedError

    async def make_volume(self, volume: Volume) -> Volume:
        """The home of that name, made unless it is there."""
        raise NotImplementedError

    async def remove_volume(self, name: str) -> None:
        """Remove a home for good; none of that name is no error."""
        raise NotImplementedError

    # -- who is at what ------------------------------------------------------------------------

    def saw(
        self, containers: Iterable[Container], before: Mapping[str, Container]
    ) -> tuple[Container, ...]:
        """Those of a list are known, and no others, but for what was looked at, made or removed
        since `before` was known: that is known better than from the list.
        """
        listed = {one.name: one for one in containers}
        for name in {*before, *listed}:
            if self.known.get(name) is before.get(name):
                if name in listed:
                    self.known[name] = listed[name]
                else:
                    self.known.pop(name, None)
        self.seen = True
        return tuple(self.known.values())

    def whole(self, name: str, several: Coroutine[Any, Any, Result]) -> "asyncio.Future[Result]":
        """Several calls that have to be made all or none: who stops waiting does not stop them."""
        task = asyncio.ensure_future(several)
        self._note(name, task)
        return asyncio.shield(task)

    def _note(self, name: str, future: "Future[Any] | asyncio.Future[Any]") -> None:
        under_way = self._under_way.get(name, set())
        self._under_way[name] = {one for one in under_way if not one.done()} | {future}

    async def settled(self, name: str) -> None:
        """Return when no call for the container `name` is under way any more."""
        while going_on := [one for one in self._under_way.pop(name, ()) if not one.done()]:
            self._under_way[name] = set(going_on)
            await asyncio.wait(
                [one if asyncio.isfuture(one) else asyncio.wrap_future(one) for one in going_on]
            )

    def alone(self, name: str) -> asyncio.Lock:
        """For who ends, removes or replaces what is called `name`: one at a time."""
        return self._alone.setdefault(name, asyncio.Lock())


class EngineCalls(Runtime):
    """Calls to the Docker Engine, on threads."""

    def __init__(self, threads: int) -> None:
        """`threads` is how many calls may be under way: with a single one, one slow call of one
        person would hold up everybody's.
        """
        super().__init__()
        self.threads = ThreadPoolExecutor(threads, "docker")
        self._connections = threads

    @cached_property
    def client(self) -> Client:
        """The engine's client, with a connection for each thread."""
        return Client(version="auto", max_pool_size=self._connections, **kwargs_from_env())

    def call(
        self,
        name: str,
        function: Callable[Arguments, Result],
        /,
        *arguments: Arguments.args,
        **named: Arguments.kwargs,
    ) -> "asyncio.Future[Result]":
        """Call the engine on a thread for the container `name`, so that `settled` knows of it."""
        context, act = copy_context(), partial(function, *arguments, **named)
        future = self.threads.submit(lambda: context.run(act))
        self._note(name, future)
        return asyncio.wrap_future(future)

    def docker(self, method: str, *args: Any) -> "asyncio.Future[Any]":
        """Call a method of the client that concerns no container."""
        return self.call("", getattr(self.client, method), *args)

    def info(self) -> "asyncio.Future[Any]":
        """What the engine says of its machine (Engine API, SystemInfo)."""
        return self.docker("info")
