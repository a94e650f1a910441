"""What the platform needs of every authenticator, and other services that know the people: OpenID
Connect or LDAP, loaded only when chosen.

oauthenticator and ldapauthenticator do the work; this sets their traits from the settings. The
platform's own accounts, pages and second factor are then not there: that is the service's business.
"""

import json
import ssl
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from jupyterhub import orm
from jupyterhub.apihandlers.users import UserAPIHandler
from jupyterhub.scopes import needs_scope
from tornado import web
from traitlets.config import Config

from hub_config import database
from hub_config.login import canary
from hub_config.settings.reading import require_complete
from hub_config.spawning import servers

if TYPE_CHECKING:
    from hub_config.settings import Settings
    from hub_config.settings.tables import LdapServer, OidcProvider


USER = r"/api/users/([^/]+)"
"""JupyterHub asks an authenticator's handlers before its own of the same path."""


class UserHandler(UserAPIHandler):
    """A rename takes a person whose servers are stopped: names of containers come from theirs."""

    @needs_scope("admin:users")
    async def patch(self, user_name: str) -> None:
        """Change name or rights. Raises HTTPError 400 with why somebody cannot be renamed."""
        self._leave_out_the_same_name(user_name)
        user = self.find_user(user_name)
        name = self._new_name(user) if user is not None else ""
        if name:
            self.require_renamable(user, name)
        await super().patch(user_name)
        if name:
            self.log.info("Renamed: %s to %s by %s", user_name, name, self.current_user.name)
            # It knows paths and clients that were made of the name; another is made when needed.
            self.users.pop(user.id, None)
        self.changed(self.find_user(name or user_name))

    def require_renamable(self, user: Any, name: str) -> None:
        """Raise HTTPError 400 unless `user` may be called `name` now."""
        if user.active:
            raise web.HTTPError(
                400, f"{user.name} has a server running; stop it, then change the name to {name}."
            )

    def changed(self, user: Any) -> None:
        """The user has another name or other rights."""

    def _leave_out_the_same_name(self, user_name: str) -> None:
        """JupyterHub 6.1 takes the name away of whoever is called what they are called already, and
        its admin page sends the name with a change of rights.
        """
        body = self.get_json_body()
        if isinstance(body, dict) and body.get("name") == user_name:
            del body["name"]
            self.request.body = json.dumps(body).encode()

    def _new_name(self, user: Any) -> str:
        """What the user is to be called; empty when that stays, or is none JupyterHub takes."""
        body = self.get_json_body()
        name = body.get("name") if isinstance(body, dict) else None
        name = self.authenticator.normalize_username(name) if isinstance(name, str) else ""
        return name if name != user.name and self.find_user(name) is None else ""


class Hooks:
    """What the platform needs of every authenticator, before those of oauthenticator's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if session := getattr(self, "_deprecated_db_session", None):
            database.prepare(session)

    def get_handlers(self, app: Any) -> list[Any]:
        """A rename waits for servers to be stopped."""
        return [*super().get_handlers(app), (USER, UserHandler)]  # type: ignore[misc]

    def check_blocked_users(self, username: str, *args: Any, **kwargs: Any) -> Any:
        """Nobody whom the service calls like a canary becomes it: it is asked about no more."""
        user = orm.User.find(self._deprecated_db_session, username)  # type: ignore[attr-defined]
        if user is not None and canary.is_known(user):
            return False
        return super().check_blocked_users(username, *args, **kwargs)  # type: ignore[misc]

    async def refresh_user(self, user: Any, *args: Any, **kwargs: Any) -> Any:
        """Whether a log-in still holds; another service is not asked about a canary."""
        if canary.is_known(user.orm_user):
            return True
        return await super().refresh_user(user, *args, **kwargs)  # type: ignore[misc]

    async def delete_user(self, user: Any) -> None:
        """JupyterHub deletes a user: all servers end first."""
        await servers.stop_servers(user, self.parent)  # type: ignore[attr-defined]
        answer = super().delete_user(user)  # type: ignore[misc]
        if isawaitable(answer):
            await answer


def configure(c: Config, settings: "Settings") -> None:
    """Set the chosen authenticator's traits. Raises SettingsError without its table or secret."""
    secret = require_complete(settings)
    if settings.authenticator == "oidc" and settings.oidc:
        _allow(c, settings.oidc)
        _oidc(c, settings.oidc, secret)
    elif settings.authenticator == "ldap" and settings.ldap:
        _allow(c, settings.ldap)
        _ldap(c, settings.ldap, secret)


def _allow(c: Config, provider: "OidcProvider | LdapServer") -> None:
    c.Authenticator.allow_all = provider.allow_all
    c.Authenticator.allowed_users = set(provider.allowed_users)
    # Not the first admin of the platform's own accounts: that name may be anybody's there.
    c.Authenticator.admin_users = set(provider.admin_users)


def _oidc(c: Config, provider: "OidcProvider", secret: str) -> None:
    from oauthenticator.generic import GenericOAuthenticator  # noqa: PLC0415  only when chosen

    c.JupyterHub.authenticator_class = _with_hooks(GenericOAuthenticator)
    same = {
        *("client_id", "authorize_url", "token_url", "userdata_url", "basic_auth"),
        *("logout_redirect_url", "username_claim", "login_service"),
    }
    c.OAuthenticator.update(provider.model_dump(include=same))
    c.OAuthenticator.client_secret = secret
    c.OAuthenticator.oauth_callback_url = provider.callback_url
    c.OAuthenticator.scope = list(provider.scope)
    if provider.groups_claim:
        c.OAuthenticator.manage_groups = True
        c.OAuthenticator.auth_state_groups_key = f"oauth_user.{provider.groups_claim}"
        c.OAuthenticator.allowed_groups = set(provider.allowed_groups)
        c.OAuthenticator.admin_groups = set(provider.admin_groups)


def _ldap(c: Config, server: "LdapServer", secret: str) -> None:
    from ldapauthenticator import LDAPAuthenticator  # noqa: PLC0415  only when chosen

    c.JupyterHub.authenticator_class = _with_hooks(LDAPAuthenticator)
    same = {
        *("server_address", "tls_strategy", "bind_dn_template", "lookup_dn", "allowed_groups"),
        *("lookup_dn_search_user", "user_search_base", "user_attribute"),
        *(["server_port"] if server.server_port else []),
    }
    c.LDAPAuthenticator.update(server.model_dump(mode="json", include=same))
    c.LDAPAuthenticator.tls_kwargs = tls(server.ca_certs_file)
    c.LDAPAuthenticator.lookup_dn_search_password = secret


def tls(ca_certs_file: str) -> dict[str, Any]:
    """What makes ldap3 ask a server for a certificate, which by itself it takes from anybody.

    ldap3 2.9 (core/tls.py): `validate` is CERT_NONE unless set, and the name is compared only for
    a certificate that is validated.
    """
    trusted = {"ca_certs_file": ca_certs_file} if ca_certs_file else {}
    return {"validate": ssl.CERT_REQUIRED, **trusted}


def _with_hooks(authenticator: type) -> type:
    """`authenticator` with `Hooks`; by the same name, since traits are set by name."""
    return type(authenticator.__name__, (Hooks, authenticator), {})
