"""What a job's container runs instead of its image's own command."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

from sqlalchemy.orm import Session

from hub_config.jobs import rows
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.rows import JobRow
from hub_config.told import Refusal


@cache
def _program() -> str:
    return (files("hub_config") / "jobs" / "program.py").read_text("utf-8")


def of_server(db: Session, user_id: int, server: str) -> list[str]:
    """The command of that server: of an application, or of the run that is entered. Raises Refusal
    without one.
    """
    if app := AppRow.of_server(db, user_id, server):
        public = app.audience == "public"
        return _command({"app": app.name, "file": app.file, "public": public})
    job = JobRow.of_server(db, user_id, server)
    run = rows.under_way(db).get(job.id) if job else None
    if job is None or run is None:
        raise Refusal("Such servers are started when they are due.", reason="job")
    return _command({"name": job.name, "file": job.file, "stamp": run.stamp})


def _command(what: dict[str, Any]) -> list[str]:
    return ["python", "-I", "-c", _program(), json.dumps(what)]
