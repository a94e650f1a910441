"""The filter's process where no engine is needed to see it: its socket, and its end."""

import asyncio
import re
import stat
from pathlib import Path

import pytest
from aiohttp import web

from engine_filter import serving
from engine_filter.upstream import Upstream

from .filter_world import POLICY, hostile


async def _answers(folder: Path, requests: list[bytes]) -> list[bytes]:
    """What the filter answers to raw requests; there is no engine behind it."""
    own = folder / "own.sock"
    answers = []
    async with Upstream(folder / "no-engine.sock") as upstream:
        server = web.Server(serving.Filter(POLICY, upstream).handle, access_log=None)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.UnixSite(runner, own).start()
        for request in requests:
            reader, writer = await asyncio.open_unix_connection(own)
            writer.write(request + hostile.LAST)
            answers.append(await asyncio.wait_for(reader.read(), 60))
            writer.close()
        await runner.cleanup()
    return answers


def answers(folder: Path, requests: list[bytes]) -> list[str]:
    """The status lines of everything the filter answers to each request."""
    found = asyncio.run(_answers(folder, requests))
    return [
        ", ".join(re.findall(r"^HTTP/1\.[01] (.*?)\r?$", one.decode("latin-1"), re.MULTILINE))
        for one in found
    ]


def test_what_is_not_plain_http_never_gets_as_far_as_the_engine(tmp_path: Path) -> None:
    told = answers(tmp_path, [*hostile.RAW.values(), b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"])
    assert told.pop().startswith("502 Bad Gateway"), "a plain request gets that far"
    assert set(told) <= {"400 Bad Request", "403 Forbidden"}, told


def test_it_ends_with_an_error_when_the_engine_has_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker starts it again then, and only so it sees the socket of a restarted engine."""
    monkeypatch.setattr(serving, "LOOK_AT_ENGINE", 0.01)
    engine, own = tmp_path / "engine.sock", tmp_path / "own.sock"
    modes = []

    async def main() -> int:
        listening = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), engine)
        filtering = asyncio.create_task(serving.serve(POLICY, engine, own))
        while not own.exists():
            await asyncio.sleep(0.01)
        modes.append(stat.S_IMODE(own.stat().st_mode))
        listening.close()
        return await asyncio.wait_for(filtering, 60)

    assert asyncio.run(main()) == 1
    assert modes == [0o660]


def test_a_stale_socket_of_a_killed_filter_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LOOK_AT_ENGINE", 0.01)
    engine, own = tmp_path / "engine.sock", tmp_path / "own.sock"

    async def main() -> int:
        stale = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), own)
        before = own.stat().st_ino
        filtering = asyncio.create_task(serving.serve(POLICY, engine, own))
        code = await asyncio.wait_for(filtering, 60)
        stale.close()
        assert not own.exists() or own.stat().st_ino != before
        return code

    assert asyncio.run(main()) == 1
