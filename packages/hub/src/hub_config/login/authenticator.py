"""Accounts of the platform's own: what JupyterHub's hooks and the pages ask for.

Based on NativeAuthenticator, whose table of names, passwords and approvals is kept; its log-in,
pages, second factor and memory of failures are replaced.
"""

from pathlib import Path
from typing import Any

from jupyterhub import orm
from jupyterhub.handlers import BaseHandler
from nativeauthenticator import NativeAuthenticator
from traitlets import Instance, Unicode, default

from hub_config import database
from hub_config.login import credentials, newcomers, pages, people, second_factor_page, sessions
from hub_config.login.accounts import Account, AccountError, Accounts, State
from hub_config.login.door import Addresses, Door, FinishedLogin
from hub_config.login.newcomers import Newcomers, SignUp
from hub_config.login.passwords import Passwords
from hub_config.login.second_factor import Policy, SecondFactors
from hub_config.login.sessions import Demands
from hub_config.login.throttling import FailedLogins, Limits, SignUps
from hub_config.settings import Settings
from hub_config.spawning import servers
from hub_config.told import Refusal


class ApprovalAuthenticator(NativeAuthenticator):
    """People sign up, an admin approves them, then they may log in."""

    operator = Instance(Settings, (), help="What the operator has set").tag(config=True)
    one_time_password_file = Unicode(help="The first admin's first password").tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        database.prepare(self.db)
        self.accounts = Accounts(self.db)
        self.second_factors = SecondFactors(self.db, self.operator.project)
        self.policy = Policy(self.operator.second_factor)
        limits = Limits(self.allowed_failed_logins, self.seconds_before_next_try)
        self.door = Door(
            self.accounts,
            self.second_factors,
            FailedLogins(self.db, limits),
            Addresses(self.operator),
        )
        self.passwords = Passwords(
            self.accounts,
            self.door.failed_logins,
            self.minimum_password_length,
            self.operator.admin_user,
            self.one_time_password_file,
        )
        self.sign_ups = SignUps(self.db, self.operator.signups_per_address)
        self._seed()
        admins = {*self.admin_users, self.operator.admin_user}
        self.newcomers = Newcomers(self.accounts, admins, self.username_pattern)
        if moved := self.second_factors.take_over():
            self.log.info("Sealed %s second factors that were in the clear", moved)

    @default("db")
    def _session(self) -> Any:
        # NativeAuthenticator 1.3 keeps its table in the hub's database, through the session that
        # JupyterHub 6 only hands out with a deprecation warning.
        return self._deprecated_db_session

    def _seed(self) -> None:
        name, file = self.operator.admin_user, Path(self.one_time_password_file)
        if not newcomers.seed_first_admin(self.db, name, file):
            self.admin_users: set[str] = set(self.admin_users) - {name}
            self.log.critical(
                "JHUB_ADMIN_USER is %s, an account that somebody signed up for: it is NOT made an "
                "admin. Do that on the page People, or choose another name.",
                name,
            )

    # -- log-in --------------------------------------------------------------------------------

    async def authenticate(self, handler: BaseHandler, data: dict[str, Any]) -> str | None:
        """The name of somebody whom the pages led through all steps; None for all else."""
        finished = (data or {}).get("finished")
        if not isinstance(finished, FinishedLogin):
            return None
        account = self.accounts.find(finished.name)
        return account.name if account and account.state is State.ACTIVE else None

    def demands(self, account: Account) -> Demands:
        """What `account` has to do beyond the password."""
        wanted = self.policy is not Policy.OFF
        has = self.second_factors.active(account.key)
        required = self.requires_second_factor(account)
        return Demands(
            code=wanted and has,
            new_password=account.must_change,
            enrolment=wanted and not has and (required or account.wants_second_factor),
        )

    def requires_second_factor(self, account: Account) -> bool:
        """Whether this person cannot do without."""
        return self.policy.requires(admin=self.is_an_admin(account.name))

    def lacks_second_factor(self, account: Account) -> bool:
        """Whether this person has to set one up before anything else."""
        required = self.requires_second_factor(account)
        return required and not self.second_factors.active(account.key)

    async def refresh_user(self, user: Any, handler: Any = None) -> bool:
        """Whether a logged-in person may stay; users without an account are an admin's own.

        Not with a one-time password, nor without a second factor where it is required. A running
        server goes on reporting what it does all the same, or it would be stopped as idle.
        """
        account = self.accounts.find(user.name)
        if account is None:
            return True
        if account.state is not State.ACTIVE:
            return False
        if not account.must_change and not self.lacks_second_factor(account):
            return True
        token = handler.get_token() if handler else None
        return token is not None and token.id in sessions.of_servers(self.db, user)

    def get_authed_users(self) -> set[str]:
        """Those who were approved. Being named in the configuration approves nobody."""
        return {account.name for account in self.accounts.all() if account.state is State.ACTIVE}

    # -- accounts ------------------------------------------------------------------------------

    def is_an_admin(self, name: str) -> bool:
        """Whether `name` is an admin now or will be one at the next start."""
        user = orm.User.find(self.db, name)
        return name in self.admin_users or (user is not None and bool(user.admin))

    async def sign_up(self, form: SignUp) -> Account:
        """Make an account that waits for approval unless sign-up is open.

        Every attempt counts. Raises AccountError with what is wrong, BusyError.
        """
        self.sign_ups.attempt(form.address)
        if form.password != form.confirmation:
            raise AccountError("The two passwords are not the same. Please type them again.")
        self.newcomers.require_free(form.name)
        operator = self.operator
        wrong = operator.signup_contact and newcomers.contact_complaint(form.full_name, form.email)
        wrong = wrong or await self.passwords.complaint(form.password, form.name)
        if wrong:
            raise AccountError(wrong)
        hashed = await credentials.make_hash(form.password)
        # Looked up again after the wait: several requests may have waited side by side.
        self.newcomers.require_free(form.name)
        self.sign_ups.made(form.address)
        self.accounts.add(
            Account(
                form.name,
                hashed,
                State.ACTIVE if operator.signup == "open" else State.WAITING,
                wants_second_factor=form.wants_second_factor and self.policy is not Policy.OFF,
                address=form.address if operator.signup == "approval" else "",
                full_name=form.full_name if operator.signup_contact else "",
                email=form.email if operator.signup_contact else "",
            )
        )
        return self.accounts.get(form.name)

    def approve(self, name: str) -> None:
        """Let somebody in. Raises UnknownAccountError, and AccountError for an admin's name."""
        if self.accounts.get(name).state is not State.WAITING:
            raise AccountError(f"The account {name} does not wait for approval.")
        if self.is_an_admin(name):
            raise AccountError(
                f"{name} is an administrator's name, and whoever signed up may be somebody else. "
                "Discard the account, then give the administrator a password with Reset password."
            )
        self.accounts.approve(name)

    def require_approved(self, account: Account) -> None:
        """Raise AccountError for an account that waits or is disabled."""
        if account.state is not State.ACTIVE:
            raise AccountError(f"The account {account.name} is {account.state}.")

    def discard(self, name: str) -> None:
        """Remove an account that was never approved."""
        if self.accounts.get(name).state is not State.WAITING:
            raise AccountError("Only accounts that are not approved can be discarded.")
        self.accounts.remove(name)

    # -- users ---------------------------------------------------------------------------------

    def add_user(self, user: Any) -> Any:
        """JupyterHub has a user, a new one or one of many at its start: the account is theirs.

        Whoever lacks a second factor by now, since the settings ask for more, has no session.
        """
        answer = super().add_user(user)
        self.accounts.belongs_to(user)
        account = self.accounts.find(user.name)
        if account is not None and self.lacks_second_factor(account):
            sessions.revoke(self.db, orm.User.find(self.db, user.name))
        return answer

    def require_renamable(self, user: Any, name: str) -> None:
        """Raise AccountError unless `user` may be called `name`."""
        if user.name in {*self.admin_users, self.operator.admin_user}:
            raise AccountError(
                f"{user.name} is the admin that the platform's settings name (JHUB_ADMIN_USER); it "
                "would be made again. Name another one there first."
            )
        self.newcomers.require_free(name)

    async def delete_user(self, user: Any) -> None:
        """JupyterHub deletes a user: servers end, the account goes, so that the name is free."""
        await servers.stop_servers(user, self.parent)
        account = self.accounts.find(user.name)
        if account is not None:
            self.second_factors.remove(account.key)
            self.door.failed_logins.forget(account.key)
            self.accounts.remove(user.name)
        super().delete_user(user)

    # -- the hub ---------------------------------------------------------------------------------

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        """Refuse a server to those who may not log in."""
        account = self.accounts.find(user.name)
        if account is None or await self.refresh_user(user):
            return
        if account.must_change:
            raise Refusal(
                "Please change the one-time password first, on the page Change password.",
                reason="one-time-password",
                status_code=403,
            )
        raise Refusal(
            "This person has to log in first: the account is disabled or lacks a second factor.",
            reason="not-logged-in",
            status_code=403,
        )

    def count_waiting(self, user: Any) -> int:
        """How many people wait for approval, for those who can approve."""
        return self.accounts.waiting() if getattr(user, "admin", False) else 0

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """The pages, and what the navigation bar shows of the accounts."""
        app.template_vars["waiting_accounts"] = self.count_waiting
        app.template_vars["own_accounts"] = True
        app.template_vars["second_factor_offered"] = self.policy is not Policy.OFF
        return [*pages.ROUTES, *second_factor_page.ROUTES, *people.ROUTES]
