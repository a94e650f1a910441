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

from hub_config.login import hashing
from hub_config.login.accounts import Account, Accounts, State
from hub_config.login.addresses import Network, PlatformProxy, client_address
from hub_config.login.errors import BusyError, RefusedError
from hub_config.login.failed_logins import FailedLogins, Source
from hub_config.login.second_factor import SecondFactors

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
        self._require_no_wait(name, source)
        account = self.accounts.find(name)
        try:
            with self.failed_logins.attempt(name, source):
                right = await hashing.matches(password, account.password if account else None)
            if not right or account is None:
                self.failed_logins.failed(name, source)
                raise RefusedError("Invalid username or password", HTTPStatus.FORBIDDEN)
            if hashing.outdated(account.password):
                self.accounts.store_hash(name, await hashing.make_hash(password))
        except BusyError:
            raise RefusedError(
                "Many people are signing in just now. Please try again in a few seconds.",
                HTTPStatus.SERVICE_UNAVAILABLE,
                5,
            ) from None
        account = self.accounts.get(name)
        require_active(account)
        return account

    def check_code(self, name: str, code: str, source: Source) -> None:
        """Take a code of the app or of the list of recovery codes. Raises RefusedError."""
        self._require_no_wait(name, source)
        if not self.second_factors.check(name, code):
            self.failed_logins.failed(name, source)
            raise RefusedError(
                "This code is not right, or was used already. Please wait for the next one.",
                HTTPStatus.FORBIDDEN,
            )

    def _require_no_wait(self, name: str, source: Source) -> None:
        wait = math.ceil(self.failed_logins.wait(name, source))
        if wait:
            raise RefusedError(
                f"Too many failed attempts. Please try again in {wait} seconds.",
                HTTPStatus.TOO_MANY_REQUESTS,
                wait,
            )

    async def source(self, handler: BaseHandler, name: str) -> Source:
        """Where a request comes from: the address, and the browser if it is known for `name`."""
        peer = _peer(handler)
        forwarded: list[str] = []
        if await self._proxy.is_at(peer):
            forwarded = handler.request.headers.get_list("X-Forwarded-For")
        return Source(client_address(peer, forwarded, self._trusted), _known_browser(handler, name))

    def let_in(self, handler: BaseHandler, name: str, source: Source) -> None:
        """All was right: forget this source's failures and know the browser from now on."""
        self.failed_logins.succeeded(name, source)
        if not source.browser:
            value = json.dumps({"name": name, "id": secrets.token_hex(8)})
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


def _known_browser(handler: BaseHandler, name: str) -> str:
    cookie = handler.get_secure_cookie(KNOWN_BROWSER, max_age_days=KNOWN_FOR)
    if not cookie:
        return ""
    known = json.loads(cookie)
    return str(known["id"]) if known["name"] == name else ""
