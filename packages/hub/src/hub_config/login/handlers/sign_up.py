"""Ask for an account."""

from typing import Any

from tornado import web

from hub_config.login.accounts import State
from hub_config.login.errors import BusyError, RefusedError
from hub_config.login.handlers.page import PageHandler

TEMPLATE = "signup.html"


class SignUpHandler(PageHandler):
    """The page Sign up."""

    def prepare(self) -> Any:
        """404 for everything when sign-up is closed."""
        if self.authenticator.signup == "closed":
            raise web.HTTPError(404)
        return super().prepare()

    async def get(self) -> None:
        """The form."""
        await self.page(TEMPLATE)

    async def post(self) -> None:
        """Make the account."""
        name = self.get_body_argument("username", "")
        source = await self.authenticator.door.source(self, name)
        try:
            account = await self.authenticator.sign_up(
                name,
                self.new_password("signup_password"),
                source.address,
                wants_second_factor=self._wants_second_factor(),
            )
        except ValueError as error:
            if isinstance(error, RefusedError):
                self.log.warning("Too many sign-ups from %s", source.address)
            return await self._again(self.refuse(error))
        except BusyError:
            self.set_status(503)
            error_text = "Many people are signing up just now. Please try again in a few seconds."
            return await self._again(error_text)
        if account.state is State.ACTIVE:
            # Nobody can make a user of this name any more, with rights that were meant for others.
            self.user_from_username(account.name)
        self.log.info("Signed up: %s (%s)", account.name, account.state)
        await self.page(TEMPLATE, made=account)
        return None

    def _wants_second_factor(self) -> bool:
        return bool(self.get_body_argument("second_factor", ""))

    async def _again(self, error: str) -> None:
        """The form as it was filled in, but for the passwords."""
        await self.page(
            TEMPLATE,
            username=self.get_body_argument("username", "")[:128],
            wants_second_factor=self._wants_second_factor(),
            error=error,
        )
