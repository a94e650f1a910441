"""Change one's own password: whenever one likes, or as a step of the log-in with a one-time one."""

from typing import Any

from hub_config.login import sessions
from hub_config.login.errors import BusyError
from hub_config.login.handlers.page import PageHandler
from hub_config.login.steps import Step

TEMPLATE = "change-password.html"


class ChangePasswordHandler(PageHandler):
    """The page Change password."""

    async def get(self) -> None:
        """The form."""
        found = self.under_way(Step.PASSWORD)
        if found is not None:
            return await self.page(TEMPLATE, one_time=True, account=found[0])
        if self._account() is None:
            return self.to_login()
        return await self.page(TEMPLATE, account=self._account())

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
            await self._check_old(account.name)
            await self._set(account.name)
        except BusyError:
            self.set_status(503)
            return await self.page(TEMPLATE, account=account, error="Please try again.")
        except ValueError as error:
            message = self.refuse(error)
            return await self.page(
                TEMPLATE, account=account, one_time=found is not None, error=message
            )
        sessions.end(self, self.current_user, keep_session=self.get_session_cookie() or "-")
        self.set_login_cookie(self.current_user)
        return await self.page(TEMPLATE, changed=True)

    def _account(self) -> Any:
        """The account of whoever has a session here; an API token is not enough."""
        user = self.get_current_user_cookie()
        if user is None or self.current_user is None or user.name != self.current_user.name:
            return None
        return self.authenticator.accounts.find(user.name)

    async def _check_old(self, name: str) -> None:
        door = self.authenticator.door
        old = self.get_body_argument("old_password", "", strip=False)
        source = await door.source(self, name)
        await door.check_password(name, old, source)
        door.failed_logins.succeeded(name, source)

    async def _set(self, name: str) -> None:
        await self.authenticator.set_password(name, self.new_password("new_password"))
        self.log.info("Password changed: %s", name)
