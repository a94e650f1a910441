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
from hub_config.runtime.interface import Container

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Calls:
    """Knows who is at what, wherever the calls go, and the servers as they were seen last."""

    def __init__(self) -> None:
        self.known: dict[str, Container] = {}
        self.seen = False
        """Whether `known` is all there is: false until the first view."""
        self.left_behind: Callable[[], None] = lambda: None
        """Called when something could not be removed; whoever reconciles listens."""
        self.before_end: Callable[[Container], Awaitable[None]] | None = None
        """Looks at a container that is about to be stopped; raises nothing."""
        self._under_way: dict[str, set[Future[Any] | asyncio.Future[Any]]] = {}
        self._alone: dict[str, asyncio.Lock] = {}

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


class EngineCalls(Calls):
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


def heard(future: "asyncio.Future[Any]") -> None:
    """For `add_done_callback`: a failure is for who waits; when nobody does any more, it is no news
    for the log.
    """
    if not future.cancelled():
        future.exception()
