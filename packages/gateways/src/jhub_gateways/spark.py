"""Spark's gateway: as much of Kubernetes' API as a driver of Spark speaks where its settings leave
out what can be left out. Each call is for pods of the server that asks, and for no other; none is
passed on.

    python -m jhub_gateways.spark --hub URL --executors 4 --memory 2G --cpus 1
"""

import argparse
import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from http import HTTPStatus
from typing import Any

from aiohttp import ClientError, web
from kubernetes_asyncio.client import ApiException

from jhub_gateways import executors, pods
from jhub_gateways.login import ServerAuthenticator
from jhub_gateways.namespace import Namespace

PODS = "/api/v1/namespaces/{namespace}/pods"
"""The namespace is the gateway's own, whatever is said there."""

SILENCE, LOOK_AGAIN = 60, 2
"""Seconds in which a server hears one refusal, a hundred lines in a notebook, of what its drivers
try all the time; and between two looks whether there is room now. Drivers wait longer than that
(`spark.kubernetes.driver.requestTimeout` of uv-lab-spark).
"""

WAITING, BODY = 8, 1 << 18
"""How many requests of one server may wait at a time, each session's own being one; and the bytes
of one, which the cluster's database keeps."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def in_its_words(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What is refused is said as Kubernetes says it: Spark shows nothing else."""
    try:
        return await handler(request)
    except ApiException as error:  # the cluster's own words, such as that a quota has no room
        return web.json_response(text=error.body, status=error.status)
    except web.HTTPException as error:
        code, said = error.status, error.reason
    except (ClientError, TimeoutError):
        code, said = HTTPStatus.BAD_GATEWAY, "The hub or the cluster does not answer."
    failure = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
    return web.json_response({**failure, "code": code, "message": said}, status=code)


class Gateway:
    """Makes, shows and ends executors."""

    def __init__(self, allowed: argparse.Namespace) -> None:
        self.allowed = allowed
        self.login = ServerAuthenticator(jupyterhub_api_url=allowed.hub)
        self.own = Namespace(allowed.platform, allowed.namespace)
        self.counting = asyncio.Lock()
        self.silent: dict[str, float] = {}
        self.waiting = Counter[str]()

    async def running(self, app: web.Application) -> AsyncIterator[None]:
        """What is there as long as it runs."""
        await self.login.setup(app)
        await self.own.reach()
        yield
        await self.own.leave()
        await self.login.cleanup()

    async def server(self, request: web.Request) -> pods.Record:
        """The pod of the server that asks."""
        user = await self.login.authenticate(request)
        found = pods.find(await self.own.listed("server"), user.name, user.server)
        if found is None:
            told = "The server that asks for executors is not running any more."
            raise web.HTTPForbidden(reason=told)
        return found

    async def meant(self, request: web.Request) -> list[dict[str, Any]]:
        """The server's executors that a call is about: all selectors have to hold."""
        asked, fields = (request.query.get(f"{kind}Selector", "") for kind in ("label", "field"))
        own = executors.own(await self.server(request))
        return await self.own.listed(executors.COMPONENT, own, asked, fields=fields)

    async def make(self, request: web.Request) -> web.Response:
        """One executor, as soon as there is room."""
        server = await self.server(request)
        await request.read()
        uid, time = server["metadata"]["uid"], asyncio.get_running_loop().time
        if self.waiting[uid] >= WAITING:
            told = f"This server waits for {WAITING} executors already."
            raise web.HTTPTooManyRequests(reason=told)
        end = time() + SILENCE
        self.waiting[uid] += 1
        try:
            while True:
                try:
                    return await self.made(request, server)
                except (web.HTTPException, ApiException):
                    if request.transport is None:  # nobody waits for it any more
                        raise
                    if min(end, self.silent.get(uid, 0)) <= time():
                        self.silent[uid] = time() + SILENCE
                        raise
                await asyncio.sleep(LOOK_AGAIN)
                server = await self.server(request)
        finally:
            self.waiting[uid] -= 1

    async def made(self, request: web.Request, server: pods.Record) -> web.Response:
        """One executor. Raises what a driver is told where it gets none."""
        try:
            wanted = executors.asked(await request.json(), self.allowed.memory)
        except ValueError as error:
            raise web.HTTPUnprocessableEntity(reason=str(error)) from None
        name = f"{executors.COMPONENT}-{secrets.token_hex(8)}"
        platform, allowed = self.own.platform, self.allowed
        async with self.counting:
            there = await self.own.listed(executors.COMPONENT)
            session = wanted["labels"][executors.SESSION]
            for one in executors.over(there, server, session, allowed.executors):
                await self.own.remove(one)
            if executors.counted(there, server) >= allowed.executors:
                told = f"You have as many executors as one may have here ({allowed.executors})."
                raise web.HTTPForbidden(reason=told)
            record = executors.pod(name, wanted, server, platform, allowed.cpus, allowed.share)
            made = await self.attempt(name, "create_namespaced_pod", record)
        files = wanted["variables"]
        secret = pods.secret(name, executors.COMPONENT, platform, pods.owner(made), files)
        await self.attempt(name, "create_namespaced_secret", secret)
        return web.json_response(executors.shown(made), status=HTTPStatus.CREATED)

    async def attempt(self, name: str, method: str, body: dict[str, Any]) -> Any:
        """Ask for a part of an executor, of which nothing stays where that fails: without an
        answer it may be there all the same.
        """
        try:
            return await self.own.ask(method, body=body)
        except BaseException:
            await self.own.remove(name)
            raise

    async def show(self, request: web.Request) -> web.Response:
        """Those that are meant."""
        items = [executors.shown(one) for one in await self.meant(request)]
        listed = {"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": items}
        return web.json_response(listed)

    async def end(self, request: web.Request) -> web.Response:
        """Those that are meant, or the one that is named."""
        names = [one["metadata"]["name"] for one in await self.meant(request)]
        if (named := request.match_info.get("name")) is not None:
            if named not in names:
                raise web.HTTPNotFound(reason=f"There is no executor {named!r}.")
            names = [named]
        for name in names:
            await self.own.remove(name)
        return web.json_response({"kind": "Status", "apiVersion": "v1", "status": "Success"})


async def healthy(_: web.Request) -> web.Response:
    """That it runs."""
    return web.json_response({})


def size(text: str) -> int:
    """Bytes, of a number with a letter, as profiles have it."""
    return int(text[:-1]) << (10 * " KMGT".index(text[-1]))


def main() -> None:
    """Run until it is told to end."""
    parser = argparse.ArgumentParser(prog="python -m jhub_gateways.spark")
    parser.add_argument("--hub", required=True, help="the hub's API")
    parser.add_argument("--platform", default="jhub-docker", help="the label on all of it")
    parser.add_argument("--port", type=int, default=8000, help="where drivers ask")
    parser.add_argument("--namespace", default="", help="where pods are; by itself its own")
    parser.add_argument("--executors", type=int, default=4, help="of one person at a time")
    parser.add_argument("--memory", type=size, default=size("2G"), help="of one at most")
    parser.add_argument("--cpus", type=float, default=1, help="of each at most")
    parser.add_argument("--share", type=float, default=0.1, help="what of a CPU each asks for")
    gateway = Gateway(parser.parse_args())
    app = web.Application(middlewares=[in_its_words], client_max_size=BODY)
    app.cleanup_ctx.append(gateway.running)
    app.add_routes(
        [
            web.post(PODS, gateway.make),
            web.get(PODS, gateway.show),
            web.delete(PODS, gateway.end),
            web.delete(f"{PODS}/{{name}}", gateway.end),
            web.get("/health", healthy),
        ]
    )
    web.run_app(app, port=gateway.allowed.port, access_log=None, print=None, shutdown_timeout=1)


if __name__ == "__main__":
    main()
