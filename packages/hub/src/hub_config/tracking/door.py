"""What MLflow's container is told (packages/tracking): which spaces it makes or removes."""

import asyncio
from pathlib import Path

SOCKETS = Path("/run/tracking")
SECONDS = 60


class AwayError(Exception):
    """MLflow does not answer."""


async def say(word: str) -> str:
    """Its answer to a space's name; `-` before it has the space removed. Raises AwayError."""
    try:
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_unix_connection(SOCKETS / "door")
            writer.write(f"{word}\n".encode())
            said = await reader.read()
            writer.close()
    except OSError as error:  # TimeoutError is one
        raise AwayError(str(error)) from None
    return said.decode("utf-8", "replace").strip()
