"""What an admin does to one account: each a POST, 404 for a name that is none."""

from collections.abc import Awaitable, Callable
from typing import Any

from jupyterhub.roles import assign_default_roles
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_config.login import sessions
from hub_config.login.errors import UnknownAccountError
from hub_config.login.handlers.page import PageHandler


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


class AuthorizeHandler(_ChangeHandler):
    """Approve an account that waits."""

    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """Approve it."""

        async def approve() -> None:
            self.authenticator.approve(name)
            self.user_from_username(name)

        await self.change(name, "approved", approve)


class DiscardHandler(_ChangeHandler):
    """Remove an account that was never approved."""

    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """Remove it."""

        async def discard() -> None:
            self.authenticator.discard(name)

        await self.change(name, "discarded", discard)


class AccountHandler(_ChangeHandler):
    """Everything else an admin does to somebody else's account."""

    @needs_scope("admin:users")
    async def post(self, name: str, action: str) -> None:
        """Do `action`."""
        act = {
            "make-admin": self._make_admin,
            "remove-admin": self._remove_admin,
            "reset-password": self._reset_password,
            "reset-second-factor": self._reset_second_factor,
            "disable": self._disable,
            "enable": self._enable,
        }[action]

        async def checked() -> Any:
            if self.authenticator.accounts.find(name) is None and self.find_user(name) is None:
                raise UnknownAccountError(name)
            if name == self.current_user.name:
                raise ValueError("Ask another administrator to change your own account.")
            return await act(name)

        await self.change(name, action, checked)

    async def _make_admin(self, name: str) -> None:
        self._set_admin(name, admin=True)

    async def _remove_admin(self, name: str) -> None:
        if name in self.authenticator.admin_users:
            raise ValueError(f"{name} is the admin that the platform's settings name.")
        self._set_admin(name, admin=False)

    def _set_admin(self, name: str, *, admin: bool) -> None:
        if not self.current_user.admin:
            raise web.HTTPError(403, "Only admins can make admins.")
        account = self.authenticator.accounts.get(name)
        if admin:
            self.authenticator.require_approved(account)
        user = self.user_from_username(name)
        user.admin = admin
        assign_default_roles(self.db, entity=user)
        self.db.commit()
        user._auth_refreshed = None  # an admin may need a second factor: asked at once

    async def _reset_password(self, name: str) -> bool:
        password = await self.authenticator.reset_password(name)
        user = self.find_user(name)
        if user is not None:
            sessions.end(self, user)
        await self.page("one-time-password.html", account=name, password=password)
        return True

    async def _reset_second_factor(self, name: str) -> None:
        self.authenticator.accounts.get(name)
        self.authenticator.second_factors.remove(name)

    async def _disable(self, name: str) -> None:
        self.authenticator.accounts.set_disabled(name, True)
        user = self.find_user(name)
        if user is not None:
            sessions.end(self, user)
            await sessions.stop_servers(self, user)
            sessions.end(self, user)  # now those of the servers too

    async def _enable(self, name: str) -> None:
        self.authenticator.accounts.set_disabled(name, False)
