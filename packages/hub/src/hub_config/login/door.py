"""Checks what somebody gives to get in, password or code, and counts failures either way.

The answer to a wrong password says nothing about who exists, and takes as long for everybody.

Where a request really comes from is seen through the platform's own proxy, which appends the
address it saw to `X-Forwarded-For`: the visitor's, or Caddy's, which wrote the visitor's before it.
That header is believed only when the request came from the proxy's container; anybody else who
reaches the hub, such as a person's server, can write what they like into it. `X-Real-IP`, which
Tornado would prefer, is never looked at: the proxy passes on what a visitor sent.
"""

import asyncio
import ipaddress
import json
import math
import re
import secrets
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from jupyterhub.handlers import BaseHandler
from tornado.web import RequestHandler

from hub_config.login import credentials
from hub_config.login.accounts import Account, Accounts, State
from hub_config.login.credentials import BusyError
from hub_config.login.second_factor import SecondFactors
from hub_config.login.throttling import FailedLogins, RefusedError, Source
from hub_config.settings import Settings
from hub_config.settings.values import listed

KNOWN_BROWSER = "jupyterhub-known-browser"
"""Cookie of a browser that logged in before; it gives no access, only a count of its own."""

KNOWN_FOR = 180
"""Days."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_REMEMBERED = 60.0
"""Seconds for which the engine's answer about an address is believed."""


def networks(text: str) -> list[Network]:
    """Networks from a list with commas; raises ValueError for one that is none."""
    return [ipaddress.ip_network(part) for part in listed(text)]


def client_address(peer: str, forwarded: Sequence[str], trusted: Iterable[Network] = ()) -> str:
    """Whose request it is, when `peer` is the platform's proxy and `forwarded` its header.

    Read from the right: addresses in `trusted`, other reverse proxies before this one, are passed
    over. An IPv6 visitor is their /64, since one has all addresses in it.
    """
    trusted = list(trusted)
    found = peer
    for entry in reversed([part.strip() for part in ",".join(forwarded).split(",")]):
        try:
            address = ipaddress.ip_address(entry)
        except ValueError:
            break
        found = entry
        if not any(address in network for network in trusted if network.version == address.version):
            break
    return _grouped(found)


def _grouped(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


class Service:
    """Tells whether an address is that of a service's container, by the engine's name service.

    The engine answers a reverse look-up with the container's name, which Compose makes of project
    and service and which nobody in a container can choose. Without a project they are pods, whose
    addresses the cluster has under the name of the chart's headless service, `proxy-pods`.
    """

    def __init__(self, project: str, service: str) -> None:
        self._pods = "" if project else f"{service}-pods"
        self._name = re.compile(rf"{re.escape(project)}[-_]{service}[-_]\d+(\.|$)")
        self._known: dict[str, tuple[float, bool]] = {}

    async def is_at(self, address: str) -> bool:
        """Whether the service has this address."""
        now = time.monotonic()
        at, answer = self._known.get(address, (0.0, False))
        if address in self._known and now - at < _REMEMBERED:
            return answer
        if len(self._known) > 1000:
            self._known.clear()
        loop = asyncio.get_running_loop()
        if self._pods:
            found = address in await loop.run_in_executor(None, _addresses_of, self._pods)
        else:
            name = await loop.run_in_executor(None, _name_of, address)
            found = bool(self._name.match(name))
        self._known[address] = now, found
        return self._known[address][1]


def _name_of(address: str) -> str:
    try:
        return socket.gethostbyaddr(address)[0]
    except OSError:
        return ""


def _addresses_of(name: str) -> list[str]:
    try:
        return socket.gethostbyname_ex(name)[2]
    except OSError:
        return []


class Addresses:
    """Whose requests they are: what the platform's own proxies and the operator's saw.

    With a domain the proxy's visitors are Caddy's, whose address changes with its container.
    """

    def __init__(self, operator: Settings) -> None:
        self._proxy, self._tls = (Service(operator.project, one) for one in ("proxy", "tls"))
        self._trusted, self._behind_tls = networks(operator.trusted_proxies), bool(operator.domain)

    async def hops(self, handler: RequestHandler) -> list[str]:
        """Addresses from the one that a visitor claims to the one that our own entrance saw."""
        if not await self._proxy.is_at(_peer(handler)):
            return []
        found = listed(",".join(handler.request.headers.get_list("X-Forwarded-For")))
        if self._behind_tls and len(found) > 1 and await self._tls.is_at(found[-1]):
            found.pop()
        return found

    async def of(self, handler: RequestHandler) -> str:
        """The visitor's address."""
        return client_address(_peer(handler), await self.hops(handler), self._trusted)


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
        addresses: Addresses,
    ) -> None:
        self.accounts, self.second_factors = accounts, second_factors
        self.failed_logins = failed_logins
        self._addresses = addresses

    async def check_password(self, name: str, password: str, source: Source) -> Account:
        """The account of `name` if the password is right and it may log in. Raises RefusedError."""
        account = self.accounts.find(name)
        # What is no account's name may be the key of one that was renamed.
        who = account.key if account else f"nobody: {name}"
        self._require_no_wait(who, source)
        try:
            with self.failed_logins.attempt(who, source):
                account = await self._whose(password, account)
                if account is not None and credentials.outdated(account.password):
                    self.accounts.store_hash(account, await credentials.make_hash(password))
                    account = await self._whose(password, self.accounts.by_key(account.key))
        except BusyError:
            raise RefusedError(
                "Many people are signing in just now. Please try again in a few seconds.",
                HTTPStatus.SERVICE_UNAVAILABLE,
                5,
            ) from None
        if account is None:
            self.failed_logins.failed(who, source)
            raise RefusedError("Invalid username or password", HTTPStatus.FORBIDDEN)
        require_active(account)
        return account

    def check_code(self, account: Account, code: str, source: Source) -> None:
        """Take a code of the app or of the list of recovery codes. Raises RefusedError."""
        self._require_no_wait(account.key, source)
        if not self.second_factors.check(account.key, code):
            self.failed_logins.failed(account.key, source)
            raise RefusedError(
                "This code is not right, or was used already. Please wait for the next one.",
                HTTPStatus.FORBIDDEN,
            )

    async def _whose(self, password: str, account: Account | None) -> Account | None:
        """The account as it is after the check, which took a while; None if `password` is wrong.

        One that was given another password meanwhile is asked again.
        """
        while await credentials.matches(password, account.password if account else None):
            now = self.accounts.by_key(account.key) if account else None
            if account is None or now is None or now.password == account.password:
                return now
            account = now
        return None

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
        browser = _known_browser(handler, account) if account else ""
        return Source(await self._addresses.of(handler), browser)

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


def _peer(handler: RequestHandler) -> str:
    """The address at the other end of the connection, which no header can change."""
    name = cast(Any, handler.request.connection).stream.socket.getpeername()
    return str(name[0]) if name else ""


def _known_browser(handler: BaseHandler, account: Account) -> str:
    cookie = handler.get_secure_cookie(KNOWN_BROWSER, max_age_days=KNOWN_FOR)
    if not cookie:
        return ""
    known = json.loads(cookie)
    return str(known["id"]) if known["name"] == account.key else ""
