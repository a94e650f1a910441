"""The page Audit: what was done, for admins, with a filter and an export; and for everybody one's
own entries.
"""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_config.audit import events
from hub_config.audit.chain import Record
from hub_config.audit.journal import stamp
from hub_config.handlers import Handler
from hub_config.languages import gettext, said
from hub_config.watch.filters import Wanted, found, wanted

ON_A_PAGE = 100
"""Entries on one page."""

DAYS = 30
"""Days that are looked through where nobody says since when."""

AT_A_TIME = 1000
"""Entries of an export that are read and sent together."""


def in_words(what: str) -> str:
    """What an entry is called, in languages that have words for its parts."""
    area, dot, action = what.partition(".")
    if not area or (known := gettext(f"{area}.")) == f"{area}.":
        return what
    return f"{known}: {gettext(f'.{action}').removeprefix('.')}" if dot else known


def row(entry: Record, *, whole: bool = True) -> dict[str, str]:
    """An entry as a page shows it; without `whole` no address of somebody else."""
    known = ("n", "at", "what", "who", "on", "from", "result", "request", "prev", "hash")
    rest = {key: value for key, value in entry.items() if key not in known}
    shown = {key: str(entry.get(key, "")) for key in known[:-2]}
    shown["at"] = shown["at"][:19].replace("T", " ")
    shown |= {"kind": in_words(shown["what"]), "result": said(shown["result"])}
    if shown["who"] == events.NOBODY or " " in shown["who"]:  # no name of a person
        shown["who"] = said(shown["who"])
    shown["more"] = ", ".join(
        f"{gettext(f'{key}:').replace('_', ' ')} "
        f"{said(value) if key == 'why' else value if isinstance(value, str) else json.dumps(value)}"
        for key, value in rest.items()
        if value not in ("", None)
    )
    if not whole and entry.get("who") != entry.get("on"):
        shown["from"] = ""
    return shown


class AuditHandler(Handler):
    """The page for admins, and what is on it as a file."""

    as_file = False
    folder: Path

    @web.authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """The newest that fit the filter, or all of them as a file."""
        names = ("person", "what", "since", "until", "before")
        asked = {name: self.get_argument(name, "")[:100] for name in names}
        error = ""
        try:
            wish = wanted(**asked)
        except ValueError as wrong:
            self.set_status(400)
            wish, error = Wanted(), str(wrong)
        if self.as_file and not error:
            return await self.export(wish)
        if not asked["since"]:
            wish = wanted(**{**asked, "since": f"{DAYS}d"}) if not error else wish
        return await self.page(wish, own=False, asked=asked, error=error)

    async def page(self, wish: Wanted, *, own: bool, **values: Any) -> None:
        """A page of entries."""
        loop = asyncio.get_running_loop()
        entries = await loop.run_in_executor(
            None, lambda: list(islice(found(self.folder, wish), ON_A_PAGE + 1))
        )
        recorder = events.recorder()
        await self.show(
            "audit.html",
            rows=[row(entry, whole=not own or _own(entry, wish)) for entry in entries[:ON_A_PAGE]],
            older=entries[ON_A_PAGE - 1]["n"] if len(entries) > ON_A_PAGE else 0,
            own=own,
            days=DAYS,
            trouble=recorder.trouble if recorder else "",
            **values,
        )

    async def export(self, wish: Wanted) -> None:
        """All that fit, as they are in the files: one JSON object a line, the newest first."""
        self.set_header("Content-Type", "application/x-ndjson; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="audit.jsonl"')
        self.set_header("Cache-Control", "no-store")
        entries, loop = found(self.folder, wish), asyncio.get_running_loop()
        while part := await loop.run_in_executor(None, lambda: list(islice(entries, AT_A_TIME))):
            self.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in part))
            await self.flush()
        self.finish()


def _own(entry: Record, wish: Wanted) -> bool:
    return entry.get("who") == wish.person


def began(user: Any, accounts: Any) -> str:
    """Since when this name is theirs: before that somebody else may have had it."""
    account = accounts.find(user.name) if accounts is not None else None
    since = user.orm_user.created.replace(tzinfo=UTC)
    return stamp(datetime.fromtimestamp(account.made, UTC) if account is not None else since)


class ExportHandler(AuditHandler):
    """The same as a file."""

    as_file = True


class OwnHandler(AuditHandler):
    """One's own entries: what one did, and what was done to one's account and servers."""

    @web.authenticated
    async def get(self) -> None:
        """The newest."""
        before = self.get_argument("before", "")[:18]
        before = before if before.isdecimal() and before.isascii() else ""
        wish = wanted(self.current_user.name, "", f"{DAYS}d", "", before)
        accounts = getattr(self.authenticator, "accounts", None)
        since = max(wish.since, began(self.current_user, accounts))
        wish = replace(wish, since=since, own=True)
        await self.page(wish, own=True, asked={}, error="")


def routes(folder: Path) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"folder": folder}
    handlers = {r"/audit": AuditHandler, r"/audit/export": ExportHandler, r"/audit/own": OwnHandler}
    return [(path, handler, given) for path, handler in handlers.items()]
