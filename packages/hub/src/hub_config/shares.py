"""The page Sharing: who else may enter one's servers. JupyterHub keeps and enforces that (its
"shares"), and has an API for it and no page.

Whom `JHUB_SHARING` allows it has the scope; the page is JupyterHub's own records made visible.
"""

from collections.abc import Callable, Iterable
from typing import Any

from jupyterhub import orm
from sqlalchemy import select
from tornado import web

from hub_config import names
from hub_config.handlers import Handler

SCOPE = "shares!user"
EVERYBODY = "*"

DIGITS = 10
"""No share has a number of so many."""


def roles(allowed: Iterable[str], everybody: Iterable[str] = ()) -> list[dict[str, Any]]:
    """The roles for those who may share: groups, or everybody (`*`); and `everybody`'s scopes."""
    groups = sorted(allowed)
    scopes = [*([SCOPE] if EVERYBODY in groups else []), *everybody]
    # JupyterHub's own role of everybody, with more scopes.
    found: list[dict[str, Any]] = [{"name": "user", "scopes": ["self", *scopes]}] if scopes else []
    if groups and EVERYBODY not in groups:
        described = {"name": "sharing", "description": "Let others into one's own servers"}
        found.append({**described, "scopes": [SCOPE], "groups": groups})
    return found


def shown(allowed: Iterable[str]) -> Callable[[Any], bool]:
    """Whether the page is in somebody's menu: also where nobody may share any more, for those whose
    shares are still there. Those of applications are seen to by the page Apps.
    """

    def is_shown(user: Any) -> bool:
        there = [*_given(user), *_taken(user)] if user is not None else []
        return bool(allowed) or any(not names.is_job(one.spawner.name) for one in there)

    return is_shown


def _given(user: Any) -> list[orm.Share]:
    """What this person lets others into."""
    return list(user.db.scalars(select(orm.Share).filter_by(owner_id=user.id)))


def _taken(user: Any) -> list[orm.Share]:
    """What others let this person into, by name or as a member of a group."""
    groups = [group.id for group in user.groups]
    mine = (orm.Share.user_id == user.id) | orm.Share.group_id.in_(groups)
    return list(user.db.scalars(select(orm.Share).where(mine)))


class SharingHandler(Handler):
    """Shares of one's own servers, and servers that others share with one."""

    def may_share(self) -> bool:
        """Whether this person has the scope for their own."""
        return bool(self.has_scope(f"shares!user={self.current_user.name}"))

    @property
    def own(self) -> list[orm.Spawner]:
        """This person's servers that were ever started."""
        mine = select(orm.Spawner).filter_by(user_id=self.current_user.id)
        return list(self.db.scalars(mine.order_by(orm.Spawner.name)))

    @web.authenticated
    async def get(self) -> None:
        """The page."""
        await self.page()

    async def page(self, error: str = "") -> None:
        """The page, and what went wrong."""
        user = self.current_user
        await self.show(
            "sharing.html",
            servers=self.own,
            given=_given(user),
            taken=_taken(user),
            may_share=self.may_share(),
            error=error,
        )

    @web.authenticated
    async def post(self) -> None:
        """Share (`action=make`, `server`, `with`, `kind`), or end that (`action=revoke`, `id`)."""
        try:
            match self.get_body_argument("action", ""):
                case "make" if self.may_share():
                    self.make(self.get_body_argument("with", "").strip())
                case "revoke":
                    self.revoke(self.get_body_argument("id", ""))
                case _:
                    raise web.HTTPError(403)
        except ValueError as error:
            self.set_status(400)
            return await self.page(str(error))
        self.lead_to("sharing")

    def make(self, name: str) -> None:
        """Let a person, or the members of a group, into a server. Raises ValueError."""
        wanted = self.get_body_argument("server", "")
        server = next((one for one in self.own if one.name == wanted), None)
        if server is None:
            raise ValueError("You have no such server.")
        kind = orm.Group if self.get_body_argument("kind", "") == "group" else orm.User
        other = kind.find(self.db, name)
        if other is None or other is server.user:
            raise ValueError(f"There is nobody else called {name}.")
        orm.Share.grant(self.db, server, other)

    def revoke(self, number: str) -> None:
        """End a share of one's own servers, or leave one that was given to oneself."""
        known = number.isdecimal() and len(number) < DIGITS
        share = self.db.get(orm.Share, int(number)) if known else None
        me = self.current_user.id
        if share is None or me not in (share.owner_id, share.user_id):
            raise ValueError("There is no such share.")
        self.db.delete(share)
        self.db.commit()
