"""Set up, replace or remove one's own second factor, with a session or as a step of the log-in."""

from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado import web

from hub_config.login import second_factor
from hub_config.login.accounts import Account
from hub_config.login.pages import PageHandler
from hub_config.login.sessions import Pending, Step

TEMPLATE = "second-factor.html"


class SecondFactorHandler(PageHandler):
    """The page Second factor of an `account`; `pending` when its person is only about to log in."""

    account: Account
    pending: Pending | None

    async def get(self, action: str = "") -> None:
        """What there is, and what can be done."""
        if not self._is_somebodys():
            return self.to_login()
        if action:  # the address of a form's answer, opened again
            self.redirect(self.hub_path("second-factor"))
            return None
        return await self._show()

    async def post(self, action: str = "") -> Any:
        """Do what one of the page's buttons says."""
        if not self._is_somebodys():
            return self.to_login()
        act = {
            "begin": self._begin,
            "confirm": self._confirm,
            "remove": self._remove,
            "recovery-codes": self._new_codes,
        }.get(action)
        if act is None:
            raise web.HTTPError(405)
        try:
            return await act()
        except ValueError as error:
            return await self._show(error=self.refuse(error))

    def _is_somebodys(self) -> bool:
        if self.authenticator.policy is second_factor.Policy.OFF:
            raise web.HTTPError(404)
        account, self.pending = self.under_way(Step.ENROL) or (self.own_account(), None)
        if account is not None:
            self.account = account
        return account is not None

    async def _show(self, **values: Any) -> None:
        factors, account = self.authenticator.second_factors, self.account
        uri = factors.begun(account.key, account.name)
        await self.page(
            TEMPLATE,
            active=factors.active(account.key),
            codes_left=second_factor.recovery_codes_left(self.db, account.key),
            required=self.authenticator.requires_second_factor(account),
            logging_in=self.pending is not None,
            qr_code=second_factor.qr_code(uri) if uri else "",
            key=uri.partition("secret=")[2].partition("&")[0] if uri else "",
            **values,
        )

    async def _begin(self) -> None:
        """Make a secret; with a session only for who knows the password too."""
        account = self.account
        if self.pending is None:
            await self.check_password(account, "password")
        self.authenticator.second_factors.begin(account.key)
        # Loading the answer again must not make another secret: the app has this one by then.
        self.redirect(self.hub_path("second-factor"))

    async def _confirm(self) -> None:
        """The first right code makes it count; the recovery codes are shown, once."""
        account = self.account
        if self.authenticator.second_factors.active(account.key):
            raise ValueError(
                "Your second factor is set up already. Make new recovery codes if you have none."
            )
        codes = self.authenticator.second_factors.confirm(account.key, self._code())
        if codes is None:
            raise ValueError("This code is not right. Please type the one shown now.")
        self.authenticator.accounts.second_factor_was_set_up(account.name)
        self.log.info("Second factor set up: %s", account.name)
        go_on = self.hub_path("home")
        if self.pending is not None:
            go_on = self.get_next_url(await self.enter(self.account))
        await self.page(TEMPLATE, codes=codes, go_on=go_on)

    async def _remove(self) -> None:
        if self.authenticator.requires_second_factor(self.account):
            raise ValueError("You cannot do without a second factor here.")
        await self._check()
        self.authenticator.second_factors.remove(self.account.key)
        self.log.info("Second factor removed: %s", self.account.name)
        await self._show()

    async def _new_codes(self) -> None:
        await self._check()
        codes = second_factor.renew_recovery_codes(self.db, self.account.key)
        await self.page(TEMPLATE, codes=codes, go_on=self.hub_path("second-factor"))

    async def _check(self) -> None:
        door, account = self.authenticator.door, self.account
        door.check_code(account, self._code(), await door.source(self, account))

    def _code(self) -> str:
        return str(self.get_body_argument("code", "")[:64])


ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/second-factor", SecondFactorHandler),
    (r"/second-factor/(begin|confirm|remove|recovery-codes)", SecondFactorHandler),
]
