"""Name and password, then the code of the second factor for those who have one."""

from typing import Any

from jupyterhub.handlers.login import LoginHandler as HubLoginHandler

from hub_config.login.errors import RefusedError
from hub_config.login.handlers.page import PageHandler
from hub_config.login.steps import Step


class LoginHandler(PageHandler, HubLoginHandler):
    """JupyterHub's log-in page; what is typed there is the first step."""

    async def post(self) -> None:
        """Check name and password."""
        typed = self.get_body_argument("username", "")
        name = self.authenticator.normalize_username(typed)
        door = self.authenticator.door
        source = await door.source(self, name)
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

    TEMPLATE = "login-code.html"

    async def get(self) -> None:
        """The form."""
        if self.under_way(Step.CODE) is None:
            return self.to_login()
        await self.page(self.TEMPLATE)
        return None

    async def post(self) -> Any:
        """Check the code."""
        found = self.under_way(Step.CODE)
        if found is None:
            return self.to_login()
        account, _ = found
        door = self.authenticator.door
        source = await door.source(self, account.name)
        try:
            door.check_code(account.name, self.get_body_argument("code", "")[:64], source)
        except RefusedError as error:
            self.log.warning("Wrong second factor for %r from %s", account.name, source.address)
            return await self.page(self.TEMPLATE, error=self.refuse(error))
        return await self.proceed(account, code_given=True)


def _shortened(name: str) -> str:
    """As JupyterHub logs what somebody typed: not whole, if it is long enough to be a password."""
    return name if len(name) <= 32 else f"{name[:16]}...({len(name)} chars)"
