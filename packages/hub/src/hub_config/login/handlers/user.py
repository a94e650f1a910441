"""JupyterHub's API for one user, with what a change of name or rights means on this platform."""

import json
from typing import Any

from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.scopes import needs_scope
from tornado import web

from hub_config.login import sessions
from hub_config.login.errors import AccountError

USER = r"/api/users/([^/]+)"
"""JupyterHub asks an authenticator's handlers before its own of the same path."""


class UserHandler(UserAPIHandler):
    """A rename takes a person whose servers are stopped: names of containers come from theirs."""

    @needs_scope("admin:users")
    async def patch(self, user_name: str) -> None:
        """Change name or rights. Raises HTTPError 400 with why somebody cannot be renamed."""
        self._leave_out_the_same_name(user_name)
        user = self.find_user(user_name)
        name = self._new_name(user) if user is not None else ""
        if name:
            self.require_renamable(user, name)
        await super().patch(user_name)
        if name:
            self.log.info("Renamed: %s to %s by %s", user_name, name, self.current_user.name)
            # It knows paths and clients that were made of the name; another is made when needed.
            self.users.pop(user.id, None)
        self.changed(self.find_user(name or user_name))

    def require_renamable(self, user: Any, name: str) -> None:
        """Raise HTTPError 400 unless `user` may be called `name` now."""
        if user.active:
            raise web.HTTPError(
                400, f"{user.name} has a server running; stop it, then change the name to {name}."
            )

    def changed(self, user: Any) -> None:
        """The user has another name or other rights."""

    def _leave_out_the_same_name(self, user_name: str) -> None:
        """JupyterHub 6.1 takes the name away of whoever is called what they are called already, and
        its admin page sends the name with a change of rights.
        """
        body = self.get_json_body()
        if isinstance(body, dict) and body.get("name") == user_name:
            del body["name"]
            self.request.body = json.dumps(body).encode()

    def _new_name(self, user: Any) -> str:
        """What the user is to be called; empty when that stays, or is none JupyterHub takes."""
        body = self.get_json_body()
        name = body.get("name") if isinstance(body, dict) else None
        name = self.authenticator.normalize_username(name) if isinstance(name, str) else ""
        return name if name != user.name and self.find_user(name) is None else ""


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
