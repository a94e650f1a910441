"""One space's process: MLflow's own server on its database and its artefacts, until nobody asks."""

import asyncio
import os
import shutil
import socket
import time
from pathlib import Path
from typing import Any

import uvicorn
from mlflow.server import fastapi_app
from mlflow.store.db import utils
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

IDLE = float(os.environ.get("JHUB_TRACKING_IDLE", "900"))
"""Seconds without a request after which it ends."""

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
    """The application, and since when nobody has asked it for anything."""

    def __init__(self, app: Any) -> None:
        self.app, self.open, self.last = app, 0, time.monotonic()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        self.open += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.open -= 1
            self.last = time.monotonic()

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
    app = Counted(fastapi_app.app)
    # The hub's process before us says who asked; lifespan counts as a request that never ends.
    config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning")
    server = uvicorn.Server(config)

    async def serve() -> None:
        serving = asyncio.ensure_future(server.serve([listening]))
        while not serving.done():
            await asyncio.wait([serving], timeout=max(1.0, IDLE - app.idle))
            server.should_exit = server.should_exit or app.idle >= IDLE
        await serving

    asyncio.run(serve())
    return 0
