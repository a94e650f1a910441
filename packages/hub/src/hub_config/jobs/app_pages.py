"""The page Apps: one's own, those of others that one may open, and for admins everybody's; and the
address of each, which stays whatever server it is behind.
"""

from collections.abc import Collection, Iterable
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web

from hub_config import names
from hub_config.jobs import app_rows, forms, pages, publisher
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.publisher import Publisher
from hub_config.offer.profiles import Profile

WORDS = {
    "oneself": "you alone",
    "people": "everybody who logs in",
    "public": "the public, without a log-in",
}
"""Who may open an application, for its owner."""


class AppsHandler(pages.OwnedHandler):
    """What all of them share."""

    ROW, PAGE, WHAT = AppRow, "apps", "app"


class ListHandler(AppsHandler, pages.ListHandler):
    """The page, and its form."""

    def typed(self) -> dict[str, str]:
        """What was typed, if anything was."""
        given = {name: self.get_body_argument(name, "") for name in forms.APP_FIELDS}
        return forms.typed(given, forms.APP_FIELDS, audience="oneself", days="30")

    def audiences(self) -> dict[str, str]:
        """Whom this person may choose, and in words."""
        groups = sorted(group.name for group in self.current_user.groups)
        found = {**WORDS, **{f"group:{one}": f"members of {one}" for one in groups}}
        widest = self.looks.widest
        return {one: said for one, said in found.items() if app_rows.permitted(one, widest)}

    def judged(self, profiles: Iterable[Profile], taken: Collection[str]) -> forms.Form:
        """The form, and what is wrong with it."""
        return forms.judged_app(self.typed(), self.audiences(), profiles, taken)

    made = staticmethod(forms.app)

    def more(self, others: Collection[AppRow]) -> dict[str, Any]:
        """Which of others are open to this person, and what the form offers."""
        user = self.current_user
        groups = {group.name for group in user.groups}
        there = (app for app in others if app_rows.may_open(app, user.id, groups))
        return {
            "open": [self.shown(app) for app in there if self.looks.wanted(app)],
            "audiences": self.audiences(),
            "most_days": forms.MOST_DAYS,
            "at_our_address": self.looks.widest != "oneself" and not self.subdomain_host,
        }

    def shown(self, app: AppRow) -> dict[str, Any]:
        """An application for the page."""
        owner = self.owner(app)
        spawner = owner.spawners[app.server] if app.server in owner.orm_spawners else None
        now = publisher.state(
            over=self.looks.is_over(app),
            paused=app.paused,
            failed=app.failures > 0,
            pending=spawner and spawner.pending,
            ready=bool(spawner and spawner.ready),
        )
        group = app.audience.partition(":")[2]
        path = f"apps/{url_escape_path(owner.name)}/{app.name}"
        return {
            "app": app,
            "person": owner.name,
            "address": url_path_join(self.hub.base_url, path),
            "audience": f"members of {group}" if group else WORDS[app.audience],
            "state": now,
            "can_start": now in publisher.CAN_START,
            "can_stop": now in publisher.CAN_STOP,
        }


class ActHandler(AppsHandler, pages.ActHandler):
    """The buttons of one application."""

    async def act(self, app: AppRow, action: str, owner: Any) -> None:
        """Do what one says."""
        match action:
            case "start":
                app.paused, app.failures, app.retry, app.words = False, 0, None, ""
            case "stop":
                await self.looks.pause(self, app, owner)
            case _:
                await self.looks.remove(self, app, owner)


class OpenHandler(AppsHandler):
    """The address of an application, which leads to its server."""

    async def get(self, owner_name: str, name: str) -> None:
        """404 for one that is not there, or not for whoever asks."""
        record = orm.User.find(self.db, owner_name)
        server = names.PUBLISHED + name
        app = AppRow.of_server(self.db, record.id, server) if record else None
        visitor = self.current_user
        if app is not None and app.audience == "public":
            await self.lead(app)
        elif visitor is None:
            self.to_log_in()
        else:
            groups = {group.name for group in visitor.groups}
            if app is None or not app_rows.may_open(app, visitor.id, groups):
                raise web.HTTPError(404)
            await self.lead(app)

    @web.authenticated
    def to_log_in(self) -> None:
        """Who has not logged in does that first, and comes back."""

    async def lead(self, app: AppRow) -> None:
        """To the server; to a page that says so, and asks again, while it does not run."""
        owner, wanted = self.owner(app), self.looks.wanted(app)
        there = app.server in owner.orm_spawners and owner.spawners[app.server].ready
        if not (there and wanted):
            self.set_status(503)
            shown = {"app": app.name, "person": owner.name, "wanted": wanted}
            await self.show("app-away.html", **shown)
            return
        if app.audience != "public":
            self.looks.let_in(self, app, owner, self.current_user)
        self.redirect(owner.server_url(app.server))


def apps_routes(looks: Publisher) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"looks": looks}
    return [
        (r"/apps", ListHandler, given),
        (r"/apps/-/([0-9]{1,9})/(start|stop|delete)", ActHandler, given),
        (r"/apps/([^/]+)/([a-z0-9-]+)", OpenHandler, given),
    ]
