"""The pages of login, sign-up, approval and passwords. State changes by POST with XSRF token only.

NativeAuthenticator 1.3's own handlers answer 500 at login on JupyterHub 6, approve on GET, and
compute bcrypt on the event loop; these replace them.
"""

from typing import Any

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler as HubLoginHandler
from jupyterhub.scopes import needs_scope
from jupyterhub.utils import url_path_join
from nativeauthenticator.orm import UserInfo
from tornado import web

from hub_config.login import passwords


class LoginHandler(HubLoginHandler):
    """JupyterHub's login; afterwards a one-time password has to be changed first."""

    def get_next_url(self, user: Any = None, default: str | None = None) -> str:
        """Where to go after login."""
        if user is not None and self.authenticator.must_change_password(user.name):
            return str(url_path_join(self.hub.base_url, "change-password"))
        return str(super().get_next_url(user, default))


class PageHandler(BaseHandler):
    """What the pages below share."""

    async def page(self, template: str, **values: Any) -> None:
        """Answer with a page."""
        values["minimum_password_length"] = self.authenticator.minimum_password_length
        values["allow_2fa"] = self.authenticator.allow_2fa
        self.finish(await self.render_template(template, **values))

    def new_password(self, field: str) -> str:
        """The password that was typed twice; raises ValueError if it differs."""
        password: str = self.get_body_argument(field, strip=False)
        if password != self.get_body_argument(f"{field}_confirmation", strip=False):
            raise ValueError("The two passwords are not the same. Please type them again.")
        return password


class SignUpHandler(PageHandler):
    """Ask for an account."""

    def prepare(self) -> Any:
        """404 for everything when sign-up is off."""
        if not self.authenticator.enable_signup:
            raise web.HTTPError(404)
        return super().prepare()

    async def get(self) -> None:
        """The form."""
        await self.page("signup.html")

    async def post(self) -> None:
        """Make the account."""
        name = self.get_body_argument("username")
        try:
            info = await self.authenticator.sign_up(
                name,
                self.new_password("signup_password"),
                with_2fa=bool(self.get_body_argument("2fa", "")),
            )
        except ValueError as error:
            self.set_status(400)
            return await self.page("signup.html", username=name, error=str(error))
        secret = info.otp_secret if info.has_2fa else ""
        await self.page("signup.html", made=info, otp_secret=secret)


class ApprovalHandler(PageHandler):
    """All accounts, for admins."""

    @needs_scope("admin:users")
    async def get(self) -> None:
        """The list, those who wait first."""
        accounts = sorted(
            UserInfo.all_users(self.db), key=lambda info: (bool(info.is_authorized), info.username)
        )
        await self.page("authorization-area.html", accounts=accounts)


class ChangeAccountHandler(PageHandler):
    """Base of the handlers that change somebody's account."""

    def account(self, name: str) -> Any:
        """The account `name`; raises HTTPError 404 when there is none."""
        info = self.authenticator.get_user(name)
        if info is None:
            raise web.HTTPError(404, "There is no such account.")
        return info

    def back(self) -> None:
        """Back to the list."""
        self.redirect(url_path_join(self.hub.base_url, "authorize"))


class AuthorizeHandler(ChangeAccountHandler):
    """Approve, or withdraw an approval."""

    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """`approve` in the body says which; without it the state is toggled."""
        info = self.account(name)
        wanted = self.get_body_argument("approve", "")
        if name == self.current_user.name:
            raise web.HTTPError(400, "You cannot withdraw your own approval.")
        approved = not info.is_authorized if wanted == "" else wanted == "yes"
        self.authenticator.set_approval(name, approved=approved)
        self.back()


class DiscardHandler(ChangeAccountHandler):
    """Remove an account that was never approved."""

    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """Remove it."""
        info = self.account(name)
        if info.is_authorized:
            raise web.HTTPError(400, "Only accounts that are not approved can be discarded.")
        self.db.delete(info)
        self.db.commit()
        self.back()


class ChangePasswordHandler(PageHandler):
    """Change one's own password."""

    TEMPLATE = "change-password.html"

    @web.authenticated
    async def get(self) -> None:
        """The form."""
        name = self.current_user.name
        await self.page(self.TEMPLATE, one_time=self.authenticator.must_change_password(name))

    @web.authenticated
    async def post(self) -> None:
        """Change it, given the old one."""
        name = self.current_user.name
        try:
            info = self.authenticator.get_user(name)
            old = self.get_body_argument("old_password", strip=False)
            if not await passwords.matches(old, info.password if info else None):
                raise ValueError("Your current password is not right. Please try again.")
            await self.authenticator.set_password(name, self.new_password("new_password"))
        except ValueError as error:
            self.set_status(400)
            one_time = self.authenticator.must_change_password(name)
            return await self.page(self.TEMPLATE, error=str(error), one_time=one_time)
        await self.page(self.TEMPLATE, changed=True)


class ChangePasswordAdminHandler(ChangeAccountHandler):
    """Set somebody's password, for admins."""

    TEMPLATE = "change-password.html"

    @needs_scope("admin:users")
    async def get(self, name: str) -> None:
        """The form."""
        await self.page(self.TEMPLATE, account=self.account(name).username)

    @needs_scope("admin:users")
    async def post(self, name: str) -> None:
        """Set it."""
        account = self.account(name).username
        try:
            await self.authenticator.set_password(account, self.new_password("new_password"))
        except ValueError as error:
            self.set_status(400)
            return await self.page(self.TEMPLATE, account=account, error=str(error))
        await self.page(self.TEMPLATE, account=account, changed=True)


ROUTES: list[tuple[str, type[BaseHandler]]] = [
    (r"/login", LoginHandler),
    (r"/signup", SignUpHandler),
    (r"/authorize", ApprovalHandler),
    (r"/authorize/([^/]+)", AuthorizeHandler),
    (r"/discard/([^/]+)", DiscardHandler),
    (r"/change-password", ChangePasswordHandler),
    (r"/change-password/([^/]+)", ChangePasswordAdminHandler),
]
