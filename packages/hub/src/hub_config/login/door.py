"""Checks what somebody gives to get in, password or code, and counts failures either way.

The answer to a wrong password says nothing about who exists, and takes as long for everybody.
"""

import json
import math
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

from jupyterhub.handlers import BaseHandler

from hub_config.login import passwords
from hub_config.login.accounts import Account, Accounts, State
from hub_config.login.addresses import Network, PlatformProxy, client_address
from hub_config.login.errors import BusyError, RefusedError
from hub_config.login.second_factor import SecondFactors
from hub_config.login.throttling import FailedLogins, Source

KNOWN_BROWSER = "jupyterhub-known-browser"
"""Cookie of a browser that logged in before; it gives no access, only a count of its own."""

KNOWN_FOR = 180
"""Days."""


@dataclass(frozen=True)
class FinishedLogin:
    """Handed to `authenticate` by the pages once all steps are done; no form can contain one."""

    name: str


class Door:
    """Where passwords and codes are given."""

    def __init__(
        self,
        accounts: Accounts,
        second_factors: SecondFactors,
        failed_logins: FailedLogins,
        proxy: PlatformProxy,
        trusted: Sequence[Network],
    ) -> None:
        self.accounts, self.second_factors = accounts, second_factors
        self.failed_logins = failed_logins
        self._proxy, self._trusted = proxy, trusted

    async def check_password(self, name: str, password: str, source: Source) -> Account:
        """The account of `name` if the password is right and it may log in.

        Raises RefusedError.
        """
        account = self.accounts.find(name)
        # What is no account's name may be the key of one that was renamed.
        who = account.key if account else f"nobody: {name}"
        self._require_no_wait(who, source)
        try:
            with self.failed_logins.attempt(who, source):
                right = await passwords.matches(password, account.password if account else None)
            if not right or account is None:
                self.failed_logins.failed(who, source)
                raise RefusedError("Invalid username or password", HTTPStatus.FORBIDDEN)
            if passwords.outdated(account.password):
                self.accounts.store_hash(account.name, await passwords.make_hash(password))
        except BusyError:
            raise RefusedError(
                "Many people are signing in just now. Please try again in a few seconds.",
                HTTPStatus.SERVICE_UNAVAILABLE,
                5,
            ) from None
        return self._still_active(account)

    def check_code(self, account: Account, code: str, source: Source) -> None:
        """Take a code of the app or of the list of recovery codes. Raises RefusedError."""
        self._require_no_wait(account.key, source)
        if not self.second_factors.check(account.key, code):
            self.failed_logins.failed(account.key, source)
            raise RefusedError(
                "This code is not right, or was used already. Please wait for the next one.",
                HTTPStatus.FORBIDDEN,
            )

    def _still_active(self, checked: Account) -> Account:
        """The account as it is after the check, which took a while. Raises RefusedError."""
        account = self.accounts.by_key(checked.key)
        if account is None:
            raise RefusedError("Invalid username or password", HTTPStatus.FORBIDDEN)
        require_active(account)
        return account

    def _require_no_wait(self, who: str, source: Source) -> None:
        wait = math.ceil(self.failed_logins.wait(who, source))
        if wait:
            raise RefusedError(
                f"Too many failed attempts. Please try again in {wait} seconds.",
                HTTPStatus.TOO_MANY_REQUESTS,
                wait,
            )

    async def source(self, handler: BaseHandler, account: Account | None) -> Source:
        """Where a request comes from: the address, and the browser if `account` knows it."""
        peer = _peer(handler)
        forwarded: list[str] = []
        if await self._proxy.is_at(peer):
            forwarded = handler.request.headers.get_list("X-Forwarded-For")
        browser = _known_browser(handler, account) if account else ""
        return Source(client_address(peer, forwarded, self._trusted), browser)

    def let_in(self, handler: BaseHandler, account: Account, source: Source) -> None:
        """All was right: forget this source's failures and know the browser from now on."""
        self.failed_logins.succeeded(account.key, source)
        if not source.browser:
            value = json.dumps({"name": account.key, "id": secrets.token_hex(8)})
            handler._set_cookie(
                KNOWN_BROWSER,
                value,
                expires_days=KNOWN_FOR,
                path=handler.hub.base_url,
                samesite="Lax",
            )


def require_active(account: Account) -> None:
    """Raise RefusedError unless the account may log in; told only after the right password."""
    if account.state is State.WAITING:
        raise RefusedError(
            f"User {account.name} has not been authorized by an administrator yet.",
            HTTPStatus.FORBIDDEN,
        )
    if account.state is State.DISABLED:
        raise RefusedError(
            f"The account {account.name} has been disabled by an administrator.",
            HTTPStatus.FORBIDDEN,
        )


def _peer(handler: BaseHandler) -> str:
    """The address at the other end of the connection, which no header can change."""
    name = handler.request.connection.stream.socket.getpeername()
    return str(name[0]) if name else ""


def _known_browser(handler: BaseHandler, account: Account) -> str:
    cookie = handler.get_secure_cookie(KNOWN_BROWSER, max_age_days=KNOWN_FOR)
    if not cookie:
        return ""
    known = json.loads(cookie)
    return str(known["id"]) if known["name"] == account.key else ""
