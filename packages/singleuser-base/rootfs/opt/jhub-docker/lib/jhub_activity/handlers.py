"""What the pages' script asks and tells: `<prefix>/jhub-activity/...`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.base.handlers import JupyterHandler
from tornado import web
from tornado.httpclient import AsyncHTTPClient, HTTPClientError

from jhub_activity import cgroup, recovery
from jhub_activity.limits import Limits
from jhub_activity.observer import Observer
from jhub_activity.pages import PATH

SCRIPT = Path(__file__).with_name("page.js")


def add(application: Any, observer: Observer, limits: Limits) -> None:
    """Add the routes."""
    given = {"observer": observer, "limits": limits}
    base = application.settings["base_url"] + PATH
    application.add_handlers(
        ".*$",
        [
            (base + "page.js", ScriptHandler),
            (base + "input", InputHandler, given),
            (base + "time", TimeHandler, given),
            (base + "more-time", MoreTimeHandler, given),
            (base + "status", StatusHandler, given),
            (base + "recovered", RecoveredHandler),
        ],
    )


class ScriptHandler(JupyterHandler):
    """The script itself."""

    @web.authenticated
    def get(self) -> None:
        """Sets the XSRF cookie too: an editor's page may be the first a person opens."""
        _ = self.xsrf_token
        self.set_header("Content-Type", "text/javascript; charset=utf-8")
        self.set_header("Cache-Control", "no-cache")
        self.finish(SCRIPT.read_bytes())


class ActivityHandler(JupyterHandler):
    """Base of those that know the observer."""

    def initialize(self, observer: Observer, limits: Limits) -> None:
        """Tornado hands these over."""
        self.observer, self.limits = observer, limits


class InputHandler(ActivityHandler):
    """A person typed, clicked or scrolled."""

    @web.authenticated
    def post(self) -> None:
        """Remember it."""
        self.observer.note("input")
        self.set_status(204)


class TimeHandler(ActivityHandler):
    """When this server will be stopped."""

    @web.authenticated
    async def get(self) -> None:
        """What the hub says, which knows of wishes for more time, without what is out of date: a
        page is told `notice` only when the last activity seen here is long ago as well.
        """
        now = datetime.now(UTC)
        said = await ask_hub("GET") or {}
        self.observer.said = said or self.observer.said
        wait = self.limits.until_warning(now, self.observer.last_activity())
        is_near = said.get("verdict", "keep") != "keep"
        notice = is_near and (wait == 0 or not said["activity_helps"])
        if notice or is_near:
            again = self.limits.warning / 10
        else:
            again = (said.get("seconds_left") or 3600) - self.limits.warning
        answer = {
            "notice": notice,
            "ask_again": max(1.0, min(again, 15.0 if is_near else 300.0)),
            "report_every": min(15, self.limits.interval),
        }
        self.finish(json.dumps(said | answer))


class StatusHandler(ActivityHandler):
    """What a page keeps in view: memory, the time left, the way to the hub. It asks nobody, so
    that pages may ask it often.
    """

    @web.authenticated
    def get(self) -> None:
        """Bytes and seconds; None for what is not limited or not known. `publishing` is None where
        the hub is older than that and its links, `runs` empty where there are no scheduled ones.
        """
        memory = cgroup.memory()
        last, said = self.observer.last_activity(), self.observer.said
        idle = self.limits.until_end(datetime.now(UTC), last, said)
        answer = {
            "memory": memory and {"used": memory.used, "limit": memory.limit},
            "killed": memory.killed if memory else 0,
            "idle_left": idle,
            "why": self.observer.reason,
            "hub": hub_home(os.environ),
            "publishing": os.environ.get("JHUB_PUBLISHING"),
            "runs": os.environ.get("JHUB_SCHEDULED_RUNS", ""),
        }
        self.finish(json.dumps(answer))


class RecoveredHandler(JupyterHandler):
    """Notebooks that had no name when an earlier server ended."""

    @web.authenticated
    def get(self) -> None:
        """Their names, and the path of the page that opens one."""
        started = self.settings["started"].timestamp()
        found = recovery.earlier(recovery.folder(), started)
        opens = f"{self.base_url}marimo/?file={quote(str(recovery.folder()))}/"
        self.finish(json.dumps({"names": found, "opens": opens}))


class MoreTimeHandler(ActivityHandler):
    """Asks the hub to leave this server alone for longer, idle or not."""

    @web.authenticated
    async def post(self) -> None:
        """As much as the hub allows at once; 502 when it does not answer."""
        answer = await ask_hub("POST")
        if answer is None:
            raise web.HTTPError(502, "The hub does not answer")
        self.observer.said = answer
        self.finish(json.dumps(answer))


def hub_home(environ: Mapping[str, str]) -> str:
    """The address of the hub's page *Home*; without a host where it is the servers' own."""
    base = environ.get("JUPYTERHUB_BASE_URL") or "/"
    return f"{environ.get('JUPYTERHUB_HOST', '')}{base}hub/home"


async def tell_hub(reason: str) -> None:
    """Why this server counts as active, for the hub's page; a hub that is away is told later."""
    await ask_hub("PUT", json.dumps({"why": reason}))


async def ask_hub(method: str, body: str | None = None) -> dict[str, Any] | None:
    """What the hub says about this server's time; None when it cannot be asked, or says nothing."""
    user, name = os.environ["JUPYTERHUB_USER"], os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    url = f"{os.environ['JUPYTERHUB_API_URL']}/lifetimes/{quote(user)}/{quote(name)}"
    try:
        answer = await AsyncHTTPClient().fetch(
            url,
            method=method,
            body="" if method == "POST" else body,
            headers={"Authorization": f"token {os.environ['JUPYTERHUB_API_TOKEN']}"},
            request_timeout=30,
        )
    except (HTTPClientError, OSError):
        return None
    parsed: dict[str, Any] | None = json.loads(answer.body or b"null")
    return parsed
