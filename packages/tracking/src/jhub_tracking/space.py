"""One space's process: MLflow's own server on its database and its artefacts, until nobody asks."""

import asyncio
import os
import shutil
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import uvicorn
from mlflow.server import fastapi_app
from mlflow.store.db import utils
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

IDLE = float(os.environ.get("JHUB_TRACKING_IDLE", "900"))
"""Seconds without a request after which it ends."""

FIRST_ANSWER = 5.0
"""Seconds in which it does not end for another space."""

LAST_ANSWERS = 30
"""Seconds in which what was asked has to be answered once it is to end: who sends without an end
would keep their place, and all who wait for one with it.
"""

DATABASE = "mlflow.db"


def url(database: Path) -> str:
    """As SQLAlchemy is told of it."""
    return f"sqlite:///{database.resolve()}"


def make_database(path: Path) -> None:
    """An empty database as this MLflow has it."""
    SqlAlchemyStore(url(path), "mlflow-artifacts:/")


def usable_database(path: Path, template: Path) -> None:
    """Make the database from the template where there is none; bring an older one up to date."""
    if not path.exists():
        unfinished = path.with_suffix(".new")
        shutil.copyfile(template, unfinished)
        unfinished.rename(path)
    engine = utils.create_sqlalchemy_engine(url(path))
    if utils._get_schema_version(engine) != utils._get_latest_schema_revision():
        utils._upgrade_db(engine)
    engine.dispose()


class Counted:
    """The application, and since when nobody has asked it for anything. The first process, which
    ends the one that waits longest where there is no room, sees it by the time of the folder.
    """

    def __init__(self, app: Any, here: Path) -> None:
        self.app, self.here, self.open = app, here, 0
        self.answered = asyncio.Event()
        self.note()

    def note(self) -> None:
        """Somebody asks just now."""
        self.last = time.monotonic()
        os.utime(self.here)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request. While something of it comes or goes it is not the one that waits longest."""

        async def received() -> Any:
            self.note()
            return await receive()

        async def sent(message: Any) -> None:
            self.note()
            await send(message)

        self.open += 1
        self.note()
        try:
            await self.app(scope, received, sent)
        finally:
            self.open -= 1
            self.answered.set()
            self.note()

    @property
    def idle(self) -> float:
        """Seconds."""
        return 0.0 if self.open else time.monotonic() - self.last


def run(here: Path, listening: socket.socket, template: Path) -> int:
    """Serve the space whose folder this is on the socket; the exit code."""
    here = here.resolve()
    (here / "tmp").mkdir(exist_ok=True)
    usable_database(here / DATABASE, template)
    os.environ |= {
        "HOME": str(here),
        "TMPDIR": str(here / "tmp"),
        "_MLFLOW_SERVER_FILE_STORE": url(here / DATABASE),
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(here / "artifacts"),
    }
    app = Counted(fastapi_app.app, here)
    # The hub's process before us says who asked; lifespan counts as a request that never ends.
    config = uvicorn.Config(
        app,
        lifespan="off",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=LAST_ANSWERS,
    )
    server = uvicorn.Server(config)

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve([listening]))
        # Not before who it was started for has an answer: two spaces would end each other for ever.
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_ANSWER):
                await app.answered.wait()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        while not serving.done():
            await asyncio.wait([serving], timeout=max(1.0, IDLE - app.idle))
            server.should_exit = server.should_exit or app.idle >= IDLE
        await serving

    asyncio.run(serve())
    return 0
