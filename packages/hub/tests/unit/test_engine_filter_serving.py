"""The filter's process where no engine is needed to see it: its socket, and its end."""

import asyncio
import stat
from pathlib import Path

import pytest

from engine_filter import serving

from .test_engine_filter import POLICY


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
        return await asyncio.wait_for(filtering, 10)

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
        code = await asyncio.wait_for(filtering, 10)
        stale.close()
        assert not own.exists() or own.stat().st_ino != before
        return code

    assert asyncio.run(main()) == 1
