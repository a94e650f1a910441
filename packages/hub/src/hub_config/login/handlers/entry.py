"""The pages before one is in: name and password, second factor, sign-up, a new password."""

from typing import Any

from jupyterhub.handlers.login import LoginHandler as HubLoginHandler
from tornado import web

from hub_config.login import sessions
from hub_config.login.accounts import Account, State
from hub_config.login.errors import BusyError, RefusedError
from hub_config.login.handlers.page import PageHandler
from hub_config.login.newcomers import SignUp
from hub_config.login.sessions import Step

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
        if self.authenticator.signup == "closed":
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
        if self._account() is None:
            return self.to_login()
        return await self.page(PASSWORD, account=self._account())

    async def post(self) -> Any:
        """Change it: with a session given the old one, in a log-in it has just been given."""
        found = self.under_way(Step.PASSWORD)
        try:
            if found is not None:
                account, pending = found
                await self._set(account.name)
                account = self.authenticator.accounts.get(account.name)
                return await self.proceed(account, code_given=pending.code_given)
            account = self._account()
            if account is None:
                return self.to_login()
            await self._check_old(account)
            await self._set(account.name)
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

    def _account(self) -> Any:
        """The account of whoever has a session here; an API token is not enough."""
        user = self.get_current_user_cookie()
        if user is None or self.current_user is None or user.name != self.current_user.name:
            return None
        return self.authenticator.accounts.find(user.name)

    async def _check_old(self, account: Account) -> None:
        door = self.authenticator.door
        old = self.get_body_argument("old_password", "", strip=False)
        source = await door.source(self, account)
        await door.check_password(account.name, old, source)
        door.failed_logins.succeeded(account.key, source)

    async def _set(self, name: str) -> None:
        password = self.get_body_argument("new_password", "", strip=False)
        if password != self.get_body_argument("new_password_confirmation", "", strip=False):
            raise ValueError("The two passwords are not the same. Please type them again.")
        await self.authenticator.set_password(name, password)
        self.log.info("Password changed: %s", name)


def _shortened(name: str) -> str:
    """As JupyterHub logs what somebody typed: not whole, if it is long enough to be a password."""
    return name if len(name) <= 32 else f"{name[:16]}...({len(name)} chars)"
