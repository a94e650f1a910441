"""Whose request the hub is at: one id from the proxy to the container, and logs as JSON.

The id comes with `X-Request-ID`, which the proxy gives every request that has none; whatever is
done for a request, also on after its answer, has it in its context. Standard library only: filter
and guard write their logs with it, too.
"""

import json
import logging
import re
import secrets
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

HEADER = "X-Request-ID"

FORMAT = "JHUB_LOG_FORMAT"
"""The variable by which services beside the hub know how to log."""

_GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}", re.ASCII)
"""Ids of others that are taken over: a reverse proxy before ours has its own in its log."""


@dataclass
class Visit:
    """One request: by whom, from where. `open` until it is answered."""

    id: str
    who: str = ""
    address: str = ""
    open: bool = True
    more: dict[str, Any] = field(default_factory=dict)


current: ContextVar[Visit | None] = ContextVar("visit", default=None)
"""The request for which something is done; it goes on in tasks that the request began."""

cause: ContextVar[str] = ContextVar("cause", default="")
"""By whom what is being done is done, where that is no longer the request's own time."""


def request_id(given: str | None) -> str:
    """The id that was given, or a new one where there is none that can be one."""
    return given if given and _GIVEN.fullmatch(given) else secrets.token_hex(8)


def current_id() -> str:
    """The id of the request for which something is done, empty without one."""
    visit = current.get()
    return visit.id if visit else ""


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request := getattr(record, "request_id", "") or current_id():
            told["request"] = request
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)


def configure_logs(form: str, plain: str, level: str | int = logging.INFO) -> None:
    """Have this process log as `JHUB_LOG_FORMAT` says; `plain` is the format of its text."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(plain))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def logging_config(form: str, level: str) -> dict[str, Any]:
    """JupyterHub's log and that of this package's own modules, in one form (traitlets' trait)."""
    return {
        "formatters": {"console": {"class": f"{__name__}.JsonFormatter"} if form == "json" else {}},
        "root": {"handlers": ["console"], "level": "WARNING"},
        "loggers": {name: {"level": level} for name in ("hub_config", "reconcile")},
    }
