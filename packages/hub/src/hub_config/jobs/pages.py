"""What the pages Runs and Apps have in common: a list with a form, and buttons for each in it."""

from collections.abc import Collection
from typing import Any, ClassVar

from tornado import web

from hub_config.audit import events
from hub_config.handlers import Handler
from hub_config.jobs import forms
from hub_config.jobs.rows import Owned
from hub_config.published import own_server
from hub_config.published.shelf import ShelfError
from hub_config.told import Refusal


async def choices(user: Any) -> list[Any]:
    """The profiles that this person may use, however full the machine is."""
    spawner = user.spawner
    try:
        offer = await spawner.counter.offer(spawner.customer)
    except Refusal:
        return []
    return [choice for choice in offer.choices if choice.allowed]


async def lacks_file(handler: Any, file: str) -> bool:
    """Whether there is no such file in the home, as far as that can be looked at: through a server
    of theirs that runs, which knows nothing of hidden ones. The job itself says so otherwise.
    """
    if not forms.is_in_home(file) or "/." in f"/{file}":
        return False
    user = handler.current_user
    try:
        server = own_server.running(user, handler.get_scope_filter("access:servers"))
        return not await own_server.has(user, server, file)
    except ShelfError:
        return False


class OwnedHandler(Handler):
    """What all of them share; `looks` is who does what is asked for."""

    ROW: ClassVar[type[Owned]]
    PAGE: ClassVar[str]
    WHAT: ClassVar[str]
    """What one is called in the audit log."""
    looks: Any

    async def prepare(self) -> None:
        """There is nothing here where nobody may have any."""
        await super().prepare()
        if not self.looks.is_on:
            raise web.HTTPError(404)

    @property
    def admin(self) -> bool:
        """Whether whoever asks looks after everybody's."""
        return bool(self.has_scope("admin:users"))

    def owner(self, row: Owned) -> Any:
        """Whose it is, as JupyterHub's User. Raises HTTPError 404 for nobody's."""
        if (user := row.user(self)) is None:
            raise web.HTTPError(404)
        return user


class ListHandler(OwnedHandler):
    """The page, and its form: `typed`, `judged` and `made` are what that is of, `shown` is one of
    the list, `more` what else the page needs, of others' too.
    """

    @web.authenticated
    async def get(self) -> None:
        """The list."""
        await self.page(forms.Form(self.typed()))

    @web.authenticated
    async def post(self) -> None:
        """Add one."""
        user, most = self.current_user, self.looks.most
        profiles = [choice.profile for choice in await choices(user)]
        missing = await lacks_file(self, self.typed()["file"])
        own = self.ROW.of_person(self.db, user.id)  # nothing is waited for until it is added
        form = self.judged(profiles, {one.name for one in own})
        if len(own) >= most:
            form.wrong["name"] = f"You may have {most}: delete one first."
        if missing:
            form.wrong.setdefault("file", forms.NO_FILE)
        if form.wrong:
            self.set_status(400)
            await self.page(form)
            return
        self.db.add(self.made(form, user.id))
        self.db.commit()
        events.note(**{self.WHAT: form.values["name"]})
        await self.looks.look(self)
        self.lead_to(self.PAGE)

    async def page(self, form: forms.Form) -> None:
        """The list, and the form as it was filled in."""
        user, everybody = self.current_user, self.ROW.all(self.db)
        others = [one for one in everybody if one.user_id != user.id]
        await self.show(
            f"{self.PAGE}.html",
            own=[self.shown(one) for one in everybody if one.user_id == user.id],
            others=[self.shown(one) for one in others if self.admin],
            form=form,
            choices=await choices(user),
            **self.more(others),
        )

    def more(self, others: Collection[Any]) -> dict[str, Any]:
        """Nothing."""
        return {}


class ActHandler(OwnedHandler):
    """The buttons of one: `act` does what each says."""

    @web.authenticated
    async def post(self, number: str, action: str) -> None:
        """Do it. 404 for one that is not there, or not theirs."""
        row = self.db.get(self.ROW, int(number))
        if row is None or (row.user_id != self.current_user.id and not self.admin):
            raise web.HTTPError(404)
        owner = self.owner(row)
        events.note(on=owner.name, **{self.WHAT: row.name})
        await self.act(row, action, owner)
        self.db.commit()
        await self.looks.look(self)
        self.lead_to(self.PAGE)
