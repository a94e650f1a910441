"""The HTTP side: a socket for the hub, each request judged, answers streamed back. Thin.

Requests are parsed by aiohttp, which refuses ambiguous framing, and written anew for the engine:
method, path, query and JSON body go through the rules, of the headers only what is listed here.
"""

import asyncio
import logging
import os
import signal
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp import web

from engine_filter import EPOCH
from engine_filter.calls import Answer, Forward, MissingError, Refused
from engine_filter.policy import Policy
from engine_filter.routes import judge
from engine_filter.upstream import LookUps, Upstream
from hub_config import tracing
from hub_config.tracing import Visit

BODY_SECONDS = 30.0
"""How long a body may take to come. How large it may be is aiohttp's default, one MiB."""

DIGITS = 18
"""Of an epoch at most."""

LOOK_AT_ENGINE = 2.0
"""Seconds between two looks whether the engine's socket still leads to an engine."""

_PASSED_BACK = ("Content-Type", "Api-Version", "Docker-Experimental", "Ostype", "Server")
_SWITCHING = frozenset({"upgrade", "http2-settings"})

log = logging.getLogger("engine_filter")


class Filter:
    """Judges the hub's requests and passes on what is allowed."""

    def __init__(self, policy: Policy, upstream: Upstream) -> None:
        """`upstream` has to be open."""
        self._policy, self._upstream, self._newest = policy, upstream, 0

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; 403 with the rule for what is refused."""
        # What is logged from here on says for which request of the hub's it was.
        tracing.current.set(Visit(request.headers.get(tracing.HEADER, "")[:64]))
        try:
            return await self._judge(request)
        except Refused as refusal:
            log.warning("Refused %s %r: %s", request.method[:20], request.raw_path[:300], refusal)
            answer = _message(web.HTTPForbidden.status_code, f"engine filter: {refusal}")
            # Nothing that came behind a refused request is read.
            answer.force_close()
            return answer
        except MissingError as missing:
            return _message(web.HTTPNotFound.status_code, str(missing))
        except TimeoutError:
            return _message(web.HTTPGatewayTimeout.status_code, "engine filter: no answer in time")
        except (aiohttp.ClientConnectionError, aiohttp.ClientError) as error:
            log.warning("The engine: %s", error)
            return _message(web.HTTPBadGateway.status_code, f"engine filter: {error}")

    async def _judge(self, request: web.BaseRequest) -> web.StreamResponse:
        if _SWITCHING & {name.lower() for name in request.headers}:
            raise Refused("a connection may not be switched to another protocol")
        self._newest = newest(request.headers.get(EPOCH, ""), self._newest)
        raw = await _body(request)
        verdict = await judge(
            request.method,
            request.raw_path,
            raw,
            self._policy,
            lambda version: LookUps(self._upstream, version),
        )
        if isinstance(verdict.decision, Answer):
            return web.json_response(verdict.decision.record)
        if request.method != "GET":
            log.info("Passed on %s %s", request.method, verdict.decision.path)
        return await self._pass_on(request, verdict.version, verdict.decision)

    async def _pass_on(
        self, request: web.BaseRequest, version: str, forward: Forward
    ) -> web.StreamResponse:
        given = {name: value for name in forward.headers if (value := request.headers.get(name))}
        async with self._upstream.send(request.method, version, forward, given) as answer:
            told = answer.headers
            headers = {name: told[name] for name in _PASSED_BACK if name in told}
            response = web.StreamResponse(status=answer.status, headers=headers)
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
                await response.write_eof()
            except (ConnectionResetError, aiohttp.ClientError, TimeoutError):
                # One side has gone in the middle of the answer: the other must not take what came
                # for all of it.
                if request.transport is not None:
                    request.transport.abort()
            return response


def newest(said: str, known: int) -> int:
    """The newest epoch, after a call that says its own; a hub that says none is the only one.

    Raises Refused for one whose place another has taken.
    """
    if not said:
        return known
    epoch = int(said) if said.isascii() and said.isdecimal() and len(said) <= DIGITS else -1
    if epoch < known:
        raise Refused(f"{EPOCH} is {said[:40]}, and a hub of {known} has taken over")
    return epoch


async def _body(request: web.BaseRequest) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise Refused("the body is larger than a MiB") from None
    except TimeoutError:
        raise Refused(f"the body did not come within {BODY_SECONDS:.0f} seconds") from None


def _message(status: int, text: str) -> web.Response:
    return web.json_response({"message": text}, status=status)


async def serve(policy: Policy, engine: Path, own: Path) -> int:
    """Serve the socket `own` in front of the socket `engine`; returns an exit code.

    `own` belongs to the process's group, and nobody else can use it. Ends with 0 when told to,
    with 1 when the engine is gone: a restarted one makes a new socket, which a container only
    sees once it starts again.
    """
    async with Upstream(engine) as upstream:
        server = web.Server(
            Filter(policy, upstream).handle, handler_cancellation=True, access_log=None
        )
        runner = web.ServerRunner(server, shutdown_timeout=2)
        await runner.setup()
        mask = os.umask(0o117)
        await web.UnixSite(runner, own).start()
        os.umask(mask)
        log.info("Serving %s for platform %s", own, policy.settings.platform)
        told = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told.set)
        code = await _until_told_or_gone(told, engine)
        await runner.cleanup()
    return code


async def _until_told_or_gone(told: asyncio.Event, engine: Path) -> int:
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(told.wait(), LOOK_AT_ENGINE)
            return 0
        try:
            _, writer = await asyncio.open_unix_connection(engine)
        except (ConnectionRefusedError, FileNotFoundError) as error:
            log.error("No engine behind %s any more: %s", engine, error)
            return 1
        writer.close()
