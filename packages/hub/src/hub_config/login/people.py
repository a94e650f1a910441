"""The page People: everybody with an account, those who wait first; and what an admin does there.

Each change is a POST, 404 for a name that is none. What is done through JupyterHub's API for a user
has the same effect on the account.
"""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.roles import assign_default_roles
from jupyterhub.scopes import needs_scope
from sqlalchemy import select
from tornado import web

from hub_config.audit import events
from hub_config.languages import when
from hub_config.login import newcomers, sessions
from hub_config.login.accounts import AccountError, State, UnknownAccountError
from hub_config.login.credentials import BusyError
from hub_config.login.pages import PageHandler
from hub_config.login.providers import USER, UserHandler
from hub_config.spawning import servers


class PeopleHandler(PageHandler):
    """The list, for admins."""

    @web.authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """Those who wait, and the others."""
        await self.everybody()

    async def everybody(self, **values: Any) -> None:
        """The page."""
        rows = self._rows()
        await self.page(
            "authorization-area.html",
            waiting=[row for row in rows if row["state"] == State.WAITING],
            people=[row for row in rows if row["state"] != State.WAITING],
            first_admin=self.authenticator.operator.admin_user,
            most=newcomers.MOST,
            **values,
        )

    def _rows(self) -> list[dict[str, Any]]:
        """Users whom an admin made have no account."""
        users = {user.name: bool(user.admin) for user in self.db.scalars(select(orm.User))}
        with_factor = self.authenticator.second_factors.owners()
        shown = ("name", "state", "must_change", "address", "full_name", "email")
        rows = [
            {
                **{name: getattr(one, name) for name in shown},
                "admin": users.pop(one.name, False),
                "second_factor": one.key in with_factor,
                "asked": when(datetime.fromtimestamp(one.made, UTC)) if one.made else "",
            }
            for one in self.authenticator.accounts.all()
        ]
        rows += [{"name": name, "state": "no account", "admin": is_} for name, is_ in users.items()]
        return sorted(rows, key=lambda row: str(row["name"]))


class AddPeopleHandler(PeopleHandler):
    """Accounts for a list of people."""

    @web.authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """The address of the answer, opened again."""
        self.redirect(self.hub_path("authorize"))

    @needs_scope("admin:users")
    async def post(self) -> None:
        """Add all of them, and show their one-time passwords; or nobody, and what is wrong."""
        text = self.get_body_argument("people", "")
        try:
            made = await self.authenticator.newcomers.add(text)
        except ValueError as error:
            return await self.everybody(text=text, complaints=self.refuse(error).splitlines())
        except BusyError:
            self.set_status(503)
            return await self.everybody(
                text=text, complaints=["Please try again in a few seconds."]
            )
        for one in made:
            self.make_user(one.name)
        events.note(people=[one.name for one in made])
        self.log.info("%s added by %s", len(made), self.current_user.name)
        document = base64.b64encode(newcomers.as_csv(made).encode()).decode()
        return await self.page("people-added.html", made=made, document=document)


class _ChangeHandler(PageHandler):
    """Base: what is wrong is told as an error page."""

    async def change(self, name: str, what: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """Do it, log who did it, and answer; raises HTTPError 404 or 400."""
        user = self.find_user(name)
        if user is not None and user.admin and not self.current_user.admin:
            raise web.HTTPError(403, "Only admins can change admins.")
        try:
            answer = await act()
        except UnknownAccountError:
            raise web.HTTPError(404, "There is no such account.") from None
        except ValueError as error:
            raise web.HTTPError(400, str(error)) from None
        self.log.info("%s: %s by %s", what, name, self.current_user.name)
        if answer is None:
            self.redirect(self.hub_path("authorize"))
        return answer


class WaitingHandler(_ChangeHandler):
    """Approve an account that waits, or remove it."""

    @needs_scope("admin:users")
    async def post(self, action: str, name: str) -> None:
        """Do `action`."""

        async def act() -> None:
            if action == "authorize":
                self.authenticator.approve(name)
                self.make_user(name)
            else:
                self.authenticator.discard(name)

        await self.change(name, {"authorize": "approved"}.get(action, "discarded"), act)


class AccountHandler(_ChangeHandler):
    """Everything else an admin does to somebody else's account."""

    @needs_scope("admin:users")
    async def post(self, name: str, action: str) -> None:
        """Do `action`."""

        async def checked() -> Any:
            if self.authenticator.accounts.find(name) is None and self.find_user(name) is None:
                raise UnknownAccountError(name)
            if name == self.current_user.name:
                raise ValueError("Ask another administrator to change your own account.")
            return await self._act(name, action)

        await self.change(name, action, checked)

    async def _act(self, name: str, action: str) -> Any:
        match action:
            case "make-admin":
                self._set_admin(name, admin=True)
            case "remove-admin":
                if name in self.authenticator.admin_users:
                    raise ValueError(f"{name} is the admin that the platform's settings name.")
                self._set_admin(name, admin=False)
            case "reset-password":
                return await self._reset_password(name)
            case "reset-second-factor":
                self._reset_second_factor(name)
            case "disable":
                await self._disable(name)
            case _:
                self.authenticator.accounts.set_disabled(name, False)
        return None

    def _set_admin(self, name: str, *, admin: bool) -> None:
        if not self.current_user.admin:
            raise web.HTTPError(403, "Only admins can make admins.")
        account = self.authenticator.accounts.get(name)
        if admin:
            self.authenticator.require_approved(account)
        user = self.make_user(name)
        user.admin = admin
        assign_default_roles(self.db, entity=user)
        self.db.commit()
        sessions.end_without_second_factor(self, user)

    async def _reset_password(self, name: str) -> bool:
        password = await self.authenticator.passwords.reset(name)
        user = self.find_user(name)
        if user is not None:
            sessions.end(self, user)
        await self.page("one-time-password.html", account=name, password=password)
        return True

    def _reset_second_factor(self, name: str) -> None:
        account = self.authenticator.accounts.get(name)
        self.authenticator.second_factors.remove(account.key)
        if (user := self.find_user(name)) is not None:
            sessions.end_without_second_factor(self, user)

    async def _disable(self, name: str) -> None:
        self.authenticator.accounts.set_disabled(name, True)
        user = self.find_user(name)
        if user is not None:
            sessions.end(self, user)
            await servers.stop_servers(user, self)
            sessions.end(self, user)  # now those of the servers too


class AccountUserHandler(UserHandler):
    """The same where accounts are the platform's own."""

    def require_renamable(self, user: Any, name: str) -> None:
        """Raise HTTPError 400 also for the first admin, and for a name that is not free."""
        super().require_renamable(user, name)
        try:
            self.authenticator.require_renamable(user, name)
        except AccountError as error:
            raise web.HTTPError(400, str(error)) from None
        self.authenticator.accounts.belongs_to(user)

    def changed(self, user: Any) -> None:
        """The account follows; an admin may need a second factor."""
        self.authenticator.accounts.belongs_to(user)
        sessions.end_without_second_factor(self, user)


ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/authorize", PeopleHandler),
    (r"/people", AddPeopleHandler),
    (r"/(authorize|discard)/([^/]+)", WaitingHandler),
    (
        r"/accounts/([^/]+)/"
        r"(make-admin|remove-admin|reset-password|reset-second-factor|disable|enable)",
        AccountHandler,
    ),
    (USER, AccountUserHandler),
]
