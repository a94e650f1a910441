"""The page Apps: one's own, those of others that one may open, and for admins everybody's; and the
address of each, which stays whatever server it is behind.
"""

from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_escape_path, url_path_join
from tornado import web

from hub_config.audit import events
from hub_config.jobs import app_rows, forms
from hub_config.jobs.app_rows import AppRow
from hub_config.jobs.looking import choices, lacks_file
from hub_config.jobs.publisher import Publisher

WORDS = {
    "oneself": "you alone",
    "people": "everybody who logs in",
    "public": "the public, without a log-in",
}
"""Who may open an application, for its owner."""


class AppsHandler(BaseHandler):
    """What all of them share."""

    def initialize(self, publisher: Publisher) -> None:
        """Tornado hands over who does it."""
        self.publisher = publisher

    async def prepare(self) -> None:
        """There is nothing here where nobody may publish."""
        await super().prepare()
        if not self.publisher.is_on:
            raise web.HTTPError(404)

    @property
    def admin(self) -> bool:
        """Whether whoever asks looks after everybody's."""
        return bool(self.has_scope("admin:users"))

    def owner(self, app: AppRow) -> Any:
        """Whose it is, as JupyterHub's User. Raises HTTPError 404 for nobody's."""
        record = self.db.get(orm.User, app.user_id)
        user = self.find_user(record.name) if record else None
        if user is None:
            raise web.HTTPError(404)
        return user


class ListHandler(AppsHandler):
    """The page, and its form."""

    @web.authenticated
    async def get(self) -> None:
        """The list."""
        await self.page(forms.Form(self.typed()))

    @web.authenticated
    async def post(self) -> None:
        """Publish one."""
        user = self.current_user
        profiles = [choice.profile.key for choice in await choices(user)]
        missing = await lacks_file(self, self.typed()["file"])
        own = app_rows.of_person(self.db, user.id)  # nothing is waited for until it is added
        form = forms.judged_app(self.typed(), self.audiences(), profiles, {app.name for app in own})
        if len(own) >= self.publisher.most:
            form.wrong["name"] = f"You may have {self.publisher.most}: delete one first."
        if missing:
            form.wrong.setdefault("file", forms.NO_FILE)
        if form.wrong:
            self.set_status(400)
            await self.page(form)
            return
        self.db.add(forms.app(form, user.id))
        self.db.commit()
        events.note(app=form.values["name"])
        await self.publisher.look(self)
        self.redirect(url_path_join(self.hub.base_url, "apps"))

    def typed(self) -> dict[str, str]:
        """What was typed, if anything was."""
        given = {name: self.get_body_argument(name, "") for name in forms.APP_FIELDS}
        return forms.typed(given, forms.APP_FIELDS, audience="oneself", days="30")

    def audiences(self) -> dict[str, str]:
        """Whom this person may choose, and in words."""
        groups = sorted(group.name for group in self.current_user.groups)
        found = {**WORDS, **{f"group:{one}": f"members of {one}" for one in groups}}
        widest = self.publisher.widest
        return {one: said for one, said in found.items() if app_rows.permitted(one, widest)}

    async def page(self, form: forms.Form) -> None:
        """The list, and the form as it was filled in."""
        user = self.current_user
        groups = {group.name for group in user.groups}
        everybody = app_rows.all_apps(self.db)
        others = [app for app in everybody if app.user_id != user.id]
        self.set_header("Cache-Control", "no-store")
        self.finish(
            await self.render_template(
                "apps.html",
                own=[self.shown(app) for app in everybody if app.user_id == user.id],
                open=[
                    self.shown(app)
                    for app in others
                    if app_rows.may_open(app, user.id, groups) and self.publisher.wanted(app)
                ],
                others=[self.shown(app) for app in others if self.admin],
                form=form,
                audiences=self.audiences(),
                choices=await choices(user),
                most_days=forms.MOST_DAYS,
            )
        )

    def shown(self, app: AppRow) -> dict[str, Any]:
        """An application for the page."""
        owner = self.owner(app)
        spawner = owner.spawners[app.server] if app.server in owner.orm_spawners else None
        group = app.audience.partition(":")[2]
        path = f"apps/{url_escape_path(owner.name)}/{app.name}"
        return {
            "app": app,
            "person": owner.name,
            "address": url_path_join(self.hub.base_url, path),
            "audience": f"members of {group}" if group else WORDS[app.audience],
            "wanted": self.publisher.wanted(app),
            "runs": bool(spawner and spawner.ready),
        }


class ActHandler(AppsHandler):
    """The buttons of one application."""

    @web.authenticated
    async def post(self, number: str, action: str) -> None:
        """Do it. 404 for one that is not there, or not theirs."""
        app = self.db.get(AppRow, int(number))
        if app is None or (app.user_id != self.current_user.id and not self.admin):
            raise web.HTTPError(404)
        owner = self.owner(app)
        events.note(on=owner.name, app=app.name)
        match action:
            case "start":
                app.paused, app.failures, app.retry, app.words = False, 0, None, ""
                self.db.commit()
                await self.publisher.look(self)
            case "stop":
                await self.publisher.pause(self, app, owner)
            case _:
                await self.publisher.remove(self, app, owner)
        self.redirect(url_path_join(self.hub.base_url, "apps"))


class OpenHandler(AppsHandler):
    """The address of an application, which leads to its server."""

    async def get(self, owner_name: str, name: str) -> None:
        """404 for one that is not there, or not for whoever asks."""
        record = orm.User.find(self.db, owner_name)
        app = app_rows.find(self.db, record.id, name) if record else None
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
        owner, wanted = self.owner(app), self.publisher.wanted(app)
        there = app.server in owner.orm_spawners and owner.spawners[app.server].ready
        if not (there and wanted):
            self.set_status(503)
            shown = {"name": app.name, "person": owner.name, "wanted": wanted}
            self.finish(await self.render_template("app-away.html", **shown))
            return
        if app.audience != "public":
            self.publisher.let_in(self, app, owner, self.current_user)
        self.redirect(owner.server_url(app.server))


def apps_routes(publisher: Publisher) -> list[tuple[str, type[BaseHandler], dict[str, Any]]]:
    """Where they are, below the hub's prefix."""
    given = {"publisher": publisher}
    return [
        (r"/apps", ListHandler, given),
        (r"/apps/-/([0-9]{1,9})/(start|stop|delete)", ActHandler, given),
        (r"/apps/([^/]+)/([a-z0-9-]+)", OpenHandler, given),
    ]
