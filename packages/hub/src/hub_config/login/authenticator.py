"""NativeAuthenticator made to work on JupyterHub 6: approval, honest errors, no stalled hub."""

from pathlib import Path
from typing import Any

from jupyterhub.handlers import BaseHandler
from nativeauthenticator import NativeAuthenticator
from nativeauthenticator.orm import UserInfo
from sqlalchemy.exc import IntegrityError
from tornado import web
from traitlets import Unicode, default

from hub_config.login import first_admin, handlers, passwords
from hub_config.spawning.refusal import Refusal


class SignUpError(ValueError):
    """Why an account cannot be made or a password not be set; the message is for the person."""


class ApprovalAuthenticator(NativeAuthenticator):
    """People sign up, an admin approves them, then they may log in."""

    first_admin = Unicode("admin", help="Account made at first start").tag(config=True)
    one_time_password_file = Unicode(help="Where its first password is kept").tag(config=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request_otp = self.allow_2fa
        self.otp_prompt = "Second factor (leave empty if you have none):"
        if self.one_time_password_file and first_admin.seed(
            self.db, self.first_admin, Path(self.one_time_password_file)
        ):
            self.log.info("Made the account %s with a one-time password", self.first_admin)

    @default("db")
    def _session(self) -> Any:
        # NativeAuthenticator 1.3 keeps its table in the hub's database, through the session that
        # JupyterHub 6 only hands out with a deprecation warning.
        return self._deprecated_db_session

    # -- login -------------------------------------------------------------------------------

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> str | None:
        """The user's name if everything is right, else None.

        Raises HTTPError 403 with the reason for people who gave the right password but were not
        approved yet; the login page shows it.
        """
        name = self.normalize_username(data.get("username", ""))
        password = data.get("password", "")
        info = self.get_user(name)
        if self.allowed_failed_logins and self.is_blocked(name):
            # Same work as for everybody else, so that the answer's time tells nothing.
            await passwords.matches(password, None)
            return None
        right = await passwords.matches(password, info.password if info else None)
        if right and info.has_2fa:
            right = self._second_factor_matches(info, data)
        if not right:
            if info is not None:  # made-up names must not fill the memory
                self.add_login_attempt(name)
            return None
        self.successful_login(name)
        if not info.is_authorized:
            raise web.HTTPError(
                403, f"User {name} has not been authorized by an administrator yet."
            )
        return str(name)

    def _second_factor_matches(self, info: UserInfo, data: dict[str, str]) -> bool:
        code = (data.get("otp") or data.get("2fa") or "").strip()
        return code.isascii() and code.isdigit() and bool(info.is_valid_token(code))

    async def refresh_user(self, user: Any, handler: Any = None) -> bool:
        """Whether a logged-in person may stay: not once the approval was withdrawn."""
        info = self.get_user(user.name)
        return info is None or bool(info.is_authorized)

    def get_authed_users(self) -> set[str]:
        """Those who were approved. Being named in the configuration approves nobody."""
        return {info.username for info in UserInfo.all_users(self.db) if info.is_authorized}

    # -- accounts ----------------------------------------------------------------------------

    async def sign_up(self, name: str, password: str, *, with_2fa: bool = False) -> UserInfo:
        """Make an account that waits for approval. Raises SignUpError with what is wrong."""
        name = self.normalize_username(name)
        if not name or len(name) > 64 or not self.validate_username(name):
            raise SignUpError(
                "This user name cannot be used. Use lower-case letters, digits and . _ - @, "
                "at most 64 characters, beginning and ending with a letter or digit."
            )
        self._require_good(password)
        hashed = await passwords.make_hash(password)
        # Looked up after the wait: two requests for one name may have waited side by side.
        if name in self.admin_users or self.user_exists(name):
            raise SignUpError("This user name is already in use. Please choose another one.")
        info = UserInfo(
            username=name,
            password=hashed,
            is_authorized=self.open_signup,
            has_2fa=with_2fa and self.allow_2fa,
        )
        self.db.add(info)
        try:
            self.db.commit()
        except IntegrityError:
            self.db.rollback()
            raise SignUpError("This user name is already in use.") from None
        return info

    async def set_password(self, name: str, password: str) -> None:
        """Set a new password. Raises SignUpError when it is not good enough."""
        self._require_good(password)
        if name == self.first_admin and password == self._one_time_password():
            raise SignUpError("Choose a password of your own, not the one-time password.")
        hashed = await passwords.make_hash(password)
        info = self.get_user(name)
        info.password = hashed
        self.db.commit()
        if name == self.first_admin and self.one_time_password_file:
            first_admin.forget(Path(self.one_time_password_file))

    def _require_good(self, password: str) -> None:
        if not passwords.usable(password):
            raise SignUpError(
                f"A password has 1 to {passwords.MAX_BYTES} bytes; accented letters count double."
            )
        if not self.is_password_strong(password):
            raise SignUpError(
                f"A password needs at least {self.minimum_password_length} characters and must "
                "not be one of the common ones."
            )

    def set_approval(self, name: str, *, approved: bool) -> None:
        """Approve a person, or withdraw it. Raises LookupError for an unknown name."""
        info = self.get_user(name)
        if info is None:
            raise LookupError(name)
        info.is_authorized = approved
        self.db.commit()

    # -- the first admin's password ------------------------------------------------------------

    def _one_time_password(self) -> str | None:
        path = self.one_time_password_file
        return first_admin.one_time_password(Path(path)) if path else None

    def must_change_password(self, name: str) -> bool:
        """Whether `name` still has the one-time password."""
        return name == self.first_admin and self._one_time_password() is not None

    async def pre_spawn_start(self, user: Any, spawner: Any) -> None:
        """Refuse a server while the one-time password is in use."""
        if self.must_change_password(user.name):
            raise Refusal(
                "Please change the one-time password first, on the page Change password.",
                reason="one-time-password",
                status_code=403,
            )

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        """The pages."""
        return handlers.ROUTES
