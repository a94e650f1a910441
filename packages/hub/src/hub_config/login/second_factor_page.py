"""Set up, replace or remove one's own second factor, with a session or as a step of the log-in."""

from dataclasses import dataclass
from typing import Any

from jupyterhub.handlers import BaseHandler
from tornado import web

from hub_config.login import second_factor
from hub_config.login.accounts import Account
from hub_config.login.pages import PageHandler
from hub_config.login.sessions import Pending, Step

TEMPLATE = "second-factor.html"


@dataclass(frozen=True)
class _Whose:
    """Whose second factor it is; `pending` when that person is only about to log in."""

    account: Account
    pending: Pending | None


class SecondFactorHandler(PageHandler):
    """The page Second factor."""

    async def get(self, action: str = "") -> None:
        """What there is, and what can be done."""
        whose = self._whose()
        if whose is None:
            return self.to_login()
        if action:  # the address of a form's answer, opened again
            self.redirect(self.hub_path("second-factor"))
            return None
        return await self._show(whose)

    async def post(self, action: str = "") -> Any:
        """Do what one of the page's buttons says."""
        whose = self._whose()
        if whose is None:
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
            return await act(whose)
        except ValueError as error:
            return await self._show(whose, error=self.refuse(error))

    def _whose(self) -> _Whose | None:
        if self.authenticator.policy is second_factor.Policy.OFF:
            raise web.HTTPError(404)
        found = self.under_way(Step.ENROL)
        if found is not None:
            return _Whose(*found)
        account = self.own_account()
        return None if account is None else _Whose(account, None)

    async def _show(self, whose: _Whose, **values: Any) -> None:
        factors, account = self.authenticator.second_factors, whose.account
        uri = factors.begun(account.key, account.name)
        await self.page(
            TEMPLATE,
            active=factors.active(account.key),
            codes_left=second_factor.recovery_codes_left(self.db, account.key),
            required=self.authenticator.requires_second_factor(account),
            logging_in=whose.pending is not None,
            qr_code=second_factor.qr_code(uri) if uri else "",
            key=uri.partition("secret=")[2].partition("&")[0] if uri else "",
            **values,
        )

    async def _begin(self, whose: _Whose) -> None:
        """Make a secret; with a session only for who knows the password too."""
        account = whose.account
        if whose.pending is None:
            await self.check_password(account, "password")
        self.authenticator.second_factors.begin(account.key)
        # Loading the answer again must not make another secret: the app has this one by then.
        self.redirect(self.hub_path("second-factor"))

    async def _confirm(self, whose: _Whose) -> None:
        """The first right code makes it count; the recovery codes are shown, once."""
        account = whose.account
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
        if whose.pending is not None:
            go_on = self.get_next_url(await self.enter(whose.account))
        await self.page(TEMPLATE, codes=codes, go_on=go_on)

    async def _remove(self, whose: _Whose) -> None:
        if self.authenticator.requires_second_factor(whose.account):
            raise ValueError("You cannot do without a second factor here.")
        await self._check(whose.account)
        self.authenticator.second_factors.remove(whose.account.key)
        self.log.info("Second factor removed: %s", whose.account.name)
        await self._show(whose)

    async def _new_codes(self, whose: _Whose) -> None:
        await self._check(whose.account)
        codes = second_factor.renew_recovery_codes(self.db, whose.account.key)
        await self.page(TEMPLATE, codes=codes, go_on=self.hub_path("second-factor"))

    async def _check(self, account: Account) -> None:
        door = self.authenticator.door
        door.check_code(account, self._code(), await door.source(self, account))

    def _code(self) -> str:
        return str(self.get_body_argument("code", "")[:64])


ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/second-factor", SecondFactorHandler),
    (r"/second-factor/(begin|confirm|remove|recovery-codes)", SecondFactorHandler),
]
