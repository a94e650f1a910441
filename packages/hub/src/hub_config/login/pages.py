"""The pages before one is in (name and password, second factor, sign-up, a new password), and what
all pages about accounts share. State changes by POST with XSRF token only.

NativeAuthenticator 1.3's own handlers answer 500 at log-in on JupyterHub 6, approve on GET, and
compute bcrypt on the event loop; these replace them.
"""

import json
from dataclasses import asdict
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler as HubLoginHandler
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat

from hub_config.audit import events
from hub_config.handlers import Handler
from hub_config.login import credentials, sessions
from hub_config.login.accounts import Account, State
from hub_config.login.credentials import BusyError
from hub_config.login.door import FinishedLogin
from hub_config.login.newcomers import SignUp
from hub_config.login.sessions import LASTS, Pending, Step, fingerprint, next_step
from hub_config.login.throttling import RefusedError

PENDING = "jupyterhub-login-steps"
"""Cookie of a log-in whose first steps are done; signed, and short-lived."""


class PageHandler(Handler):
    """Base of all pages about accounts."""

    async def page(self, template: str, **values: Any) -> None:
        """Answer with a page, which no cache keeps: some show what is shown once."""
        values["authenticator"] = self.authenticator
        values["longest_password"] = credentials.MAX_BYTES
        values["hub_path"] = self.hub_path
        await self.show(template, **values)

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

    def own_account(self) -> Account | None:
        """The account of whoever has a session here; an API token is not enough."""
        user = self.get_current_user_cookie()
        if user is None or self.current_user is None or user.name != self.current_user.name:
            return None
        found: Account | None = self.authenticator.accounts.find(user.name)
        return found

    async def check_password(self, account: Account, field: str) -> None:
        """The password that the form has in `field` is the account's. Raises RefusedError."""
        door = self.authenticator.door
        source = await door.source(self, account)
        password = self.get_body_argument(field, "", strip=False)
        await door.check_password(account.name, password, source)
        door.failed_logins.succeeded(account.key, source)

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
        events.note(on=account.name)
        if step is not Step.CODE:  # who knows the password alone may be somebody else
            events.asks(account.name)
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


CODE, SIGN_UP, PASSWORD = "login-code.html", "signup.html", "change-password.html"


class LoginHandler(PageHandler, HubLoginHandler):
    """JupyterHub's log-in page; what is typed there is the first step."""

    async def post(self) -> None:
        """Check name and password."""
        typed = self.get_body_argument("username", "")
        name = self.authenticator.normalize_username(typed)
        door = self.authenticator.door
        source = await door.source(self, self.authenticator.accounts.find(name))
        try:
            password = self.get_body_argument("password", "", strip=False)
            account = await door.check_password(name, password, source)
        except RefusedError as error:
            self.log.warning("Failed login for %r from %s", _shortened(name), source.address)
            message = self.refuse(error)
            self.finish(await self._render(login_error=message, username=typed[:64]))
            return
        await self.proceed(account, code_given=False)


class CodeHandler(PageHandler):
    """The code of an authenticator app, or a recovery code."""

    async def get(self) -> None:
        """The form."""
        if self.under_way(Step.CODE) is None:
            return self.to_login()
        await self.page(CODE)
        return None

    async def post(self) -> Any:
        """Check the code."""
        found = self.under_way(Step.CODE)
        if found is None:
            return self.to_login()
        account, _ = found
        door = self.authenticator.door
        source = await door.source(self, account)
        try:
            door.check_code(account, self.get_body_argument("code", "")[:64], source)
        except RefusedError as error:
            self.log.warning("Wrong second factor for %r from %s", account.name, source.address)
            return await self.page(CODE, error=self.refuse(error))
        return await self.proceed(account, code_given=True)


class SignUpHandler(PageHandler):
    """The page Sign up."""

    def prepare(self) -> Any:
        """404 for everything when sign-up is closed."""
        if self.authenticator.operator.signup == "closed":
            raise web.HTTPError(404)
        return super().prepare()

    async def get(self) -> None:
        """The form."""
        await self.page(SIGN_UP)

    async def post(self) -> None:
        """Make the account."""
        source = await self.authenticator.door.source(self, None)
        form = SignUp(
            name=self.get_body_argument("username", ""),
            password=self.get_body_argument("signup_password", "", strip=False),
            confirmation=self.get_body_argument("signup_password_confirmation", "", strip=False),
            address=source.address,
            wants_second_factor=bool(self.get_body_argument("second_factor", "")),
            full_name=self.get_body_argument("full_name", ""),
            email=self.get_body_argument("email", ""),
        )
        try:
            account = await self.authenticator.sign_up(form)
        except ValueError as error:
            if isinstance(error, RefusedError):
                self.log.warning("Too many sign-ups from %s", source.address)
            return await self._again(form, self.refuse(error))
        except BusyError:
            self.set_status(503)
            error_text = "Many people are signing up just now. Please try again in a few seconds."
            return await self._again(form, error_text)
        if account.state is State.ACTIVE:
            # Nobody can make a user of this name any more, with rights that were meant for others.
            self.make_user(account.name)
        self.log.info("Signed up: %s (%s)", account.name, account.state)
        await self.page(SIGN_UP, made=account)
        return None

    async def _again(self, form: SignUp, error: str) -> None:
        """The form as it was filled in, but for the passwords."""
        await self.page(
            SIGN_UP,
            username=form.name[:128],
            full_name=form.full_name[:200],
            email=form.email[:128],
            wants_second_factor=form.wants_second_factor,
            error=error,
        )


class ChangePasswordHandler(PageHandler):
    """The page Change password."""

    async def get(self) -> None:
        """The form."""
        found = self.under_way(Step.PASSWORD)
        if found is not None:
            return await self.page(PASSWORD, one_time=True, account=found[0])
        if (account := self.own_account()) is None:
            return self.to_login()
        return await self.page(PASSWORD, account=account)

    async def post(self) -> Any:
        """Change it: with a session given the old one, in a log-in it has just been given."""
        found = self.under_way(Step.PASSWORD)
        account = found[0] if found else self.own_account()
        if account is None:
            return self.to_login()
        try:
            if found is None:
                await self.check_password(account, "old_password")
            await self._set(account.name)
            if found is not None:
                account = self.authenticator.accounts.get(account.name)
                return await self.proceed(account, code_given=found[1].code_given)
        except BusyError:
            self.set_status(503)
            return await self.page(PASSWORD, account=account, error="Please try again.")
        except ValueError as error:
            message = self.refuse(error)
            return await self.page(
                PASSWORD, account=account, one_time=found is not None, error=message
            )
        sessions.end(self, self.current_user, keep_session=self.get_session_cookie() or "-")
        self.set_login_cookie(self.current_user)
        return await self.page(PASSWORD, changed=True)

    async def _set(self, name: str) -> None:
        password = self.get_body_argument("new_password", "", strip=False)
        if password != self.get_body_argument("new_password_confirmation", "", strip=False):
            raise ValueError("The two passwords are not the same. Please type them again.")
        await self.authenticator.passwords.set(name, password)
        self.log.info("Password changed: %s", name)


def _shortened(name: str) -> str:
    """As JupyterHub logs what somebody typed: not whole, if it is long enough to be a password."""
    return name if len(name) <= 32 else f"{name[:16]}...({len(name)} chars)"


ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/login", LoginHandler),
    (r"/login/code", CodeHandler),
    (r"/signup", SignUpHandler),
    (r"/change-password", ChangePasswordHandler),
]
