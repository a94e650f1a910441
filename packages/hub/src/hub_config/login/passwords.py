"""Passwords that are changed: by a person, or by an admin for somebody who lost theirs."""

from dataclasses import dataclass
from pathlib import Path

from hub_config.login import credentials
from hub_config.login.accounts import Account, AccountError, Accounts, State
from hub_config.login.throttling import FailedLogins


@dataclass(frozen=True)
class Passwords:
    """Those of all accounts.

    `first_password_file` holds the password that the account `first_admin` was made with.
    """

    accounts: Accounts
    failed_logins: FailedLogins
    minimum_length: int
    first_admin: str
    first_password_file: str

    async def complaint(self, password: str, name: str) -> str:
        """What is wrong with it for the person `name`; empty when nothing is."""
        return await credentials.password_complaint(password, name, self.minimum_length)

    async def set(self, name: str, password: str) -> None:
        """Set a person's own password. Raises AccountError when it is not good enough."""
        account = self.accounts.get(name)
        if wrong := await self.complaint(password, name):
            raise AccountError(wrong)
        if await credentials.matches(password, account.password):
            raise AccountError("Choose a password of your own, other than the one until now.")
        hashed = await credentials.make_hash(password)
        now = self.accounts.by_key(account.key)
        if now is None or now.password != account.password:
            raise AccountError("The password was changed by somebody else meanwhile.")
        self.accounts.set_password(now.name, hashed, must_change=False)
        self._forget_first_password(name)

    async def reset(self, name: str) -> str:
        """Give somebody a one-time password, which is returned and opens one page only.

        A user whom an admin made gets an account by it.
        """
        password = credentials.one_time()
        hashed = await credentials.make_hash(password)
        account = self.accounts.find(name)
        if account is None:
            self.accounts.add(Account(name, hashed, State.ACTIVE, must_change=True))
        elif account.state is State.WAITING:
            raise AccountError("Approve the account first; it has a password.")
        else:
            self.accounts.set_password(name, hashed, must_change=True)
        self.failed_logins.forget(self.accounts.get(name).key)
        self._forget_first_password(name)
        return password

    def _forget_first_password(self, name: str) -> None:
        if name == self.first_admin:
            Path(self.first_password_file).unlink(missing_ok=True)
