"""The page People: everybody with an account, those who wait first."""

from dataclasses import dataclass

from jupyterhub import orm
from jupyterhub.scopes import needs_scope
from sqlalchemy import select
from tornado import web

from hub_config.login.accounts import State
from hub_config.login.handlers.page import PageHandler


@dataclass(frozen=True)
class Row:
    """A line of the list; `state` is `no account` for users whom an admin made."""

    name: str
    state: str
    admin: bool
    second_factor: bool
    must_change: bool


class PeopleHandler(PageHandler):
    """The list, for admins."""

    @web.authenticated
    @needs_scope("admin:users")
    async def get(self) -> None:
        """Those who wait, and the others."""
        rows = self._rows()
        await self.page(
            "authorization-area.html",
            waiting=[row for row in rows if row.state == State.WAITING],
            people=[row for row in rows if row.state != State.WAITING],
            first_admin=self.authenticator.first_admin,
        )

    def _rows(self) -> list[Row]:
        users = {user.name: bool(user.admin) for user in self.db.scalars(select(orm.User))}
        with_factor = self.authenticator.second_factors.names()
        rows = [
            Row(
                account.name,
                account.state,
                users.pop(account.name, False),
                account.name in with_factor,
                account.must_change,
            )
            for account in self.authenticator.accounts.all()
        ]
        rows += [Row(name, "no account", admin, False, False) for name, admin in users.items()]
        return sorted(rows, key=lambda row: row.name)
