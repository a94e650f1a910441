"""What the pages share: rendering, the log-in under way, and going on with it."""

import json
from dataclasses import asdict
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_config.login import passwords
from hub_config.login.accounts import Account, State
from hub_config.login.door import FinishedLogin
from hub_config.login.errors import RefusedError
from hub_config.login.sessions import LASTS, Pending, Step, fingerprint, next_step

PENDING = "jupyterhub-login-steps"
"""Cookie of a log-in whose first steps are done; signed, and short-lived."""


class PageHandler(BaseHandler):
    """Base of all pages about accounts."""

    async def page(self, template: str, **values: Any) -> None:
        """Answer with a page, which no cache keeps: some show what is shown once."""
        self.set_header("Cache-Control", "no-store")
        values["authenticator"] = self.authenticator
        values["longest_password"] = passwords.MAX_BYTES
        values["next"] = self.get_argument("next", "")
        self.finish(await self.render_template(template, **values))

    def refuse(self, error: ValueError) -> str:
        """Set the status that fits `error`; returns its message."""
        if isinstance(error, RefusedError):
            self.set_status(error.status)
            if error.wait:
                self.set_header("Retry-After", str(int(error.wait)))
        else:
            self.set_status(400)
        return str(error)

    def hub_path(self, path: str) -> str:
        """A page of the hub, with where to go after the log-in."""
        address = url_path_join(self.hub.base_url, path)
        after = self.get_argument("next", "")
        return str(url_concat(address, {"next": after}) if after else address)

    def make_user(self, name: str) -> Any:
        """JupyterHub's user for an account that may log in; the account is theirs from now on."""
        user = self.user_from_username(name)
        self.authenticator.accounts.belongs_to(user)
        return user

    # -- a log-in under way --------------------------------------------------------------------

    def under_way(self, step: Step) -> tuple[Account, Pending] | None:
        """The account whose log-in has come to `step` in this browser, None when there is none."""
        cookie = self.get_secure_cookie(PENDING, max_age_days=LASTS / 86400)
        if not cookie:
            return None
        pending = Pending(**json.loads(cookie))
        account = self.authenticator.accounts.by_key(pending.account)
        if account is None or account.state is not State.ACTIVE:
            return None
        if pending.state != fingerprint(account.password):
            return None
        demands = self.authenticator.demands(account)
        if next_step(demands, code_given=pending.code_given) is not step:
            return None
        return account, pending

    async def proceed(self, account: Account, *, code_given: bool) -> Any:
        """Go on with the log-in: to the next step's page, or in. Returns the user once in."""
        step = next_step(self.authenticator.demands(account), code_given=code_given)
        if step is not Step.DONE:
            pending = Pending(account.key, fingerprint(account.password), code_given)
            self._set_cookie(
                PENDING,
                json.dumps(asdict(pending)),
                expires_days=LASTS / 86400,
                path=self.hub.base_url,
                samesite="Lax",
            )
            self.redirect(self.hub_path(step))
            return None
        user = await self.enter(account)
        self.redirect(self.get_next_url(user))
        return user

    async def enter(self, account: Account) -> Any:
        """All steps are done: give this browser a session."""
        door = self.authenticator.door
        source = await door.source(self, account)
        if (known := orm.User.find(self.db, account.name)) is not None:
            # `reset_admin` changes it behind the hub's back, which would hand out the old one.
            self.db.refresh(known, ["cookie_id"])
        finished = {"username": account.name, "finished": FinishedLogin(account.name)}
        user = await self.login_user(finished)
        if user is None:
            raise web.HTTPError(403, "This account may not log in.")
        self._jupyterhub_user = user
        door.let_in(self, account, source)
        self.clear_cookie(PENDING, path=self.hub.base_url)
        return user

    def to_login(self) -> None:
        """Nobody is logged in or about to be: back to the beginning."""
        self.redirect(self.hub_path("login"))
