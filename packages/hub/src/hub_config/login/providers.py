"""Other services that know the people: OpenID Connect or LDAP, loaded only when chosen.

oauthenticator and ldapauthenticator do the work; this sets their traits from the settings. The
platform's own accounts, pages and second factor are then not there: that is the service's business.
"""

import ssl
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from traitlets.config import Config

from hub_config import store
from hub_config.lifetimes import deletion
from hub_config.login.handlers.user import USER, UserHandler
from hub_config.login.provider_secret import require_complete

if TYPE_CHECKING:
    from hub_config.settings import Settings
    from hub_config.settings.providers import LdapServer, OidcProvider


class Hooks:
    """What the platform needs of every authenticator, before those of oauthenticator's own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if session := getattr(self, "_deprecated_db_session", None):
            store.prepare(session)

    def get_handlers(self, app: Any) -> list[Any]:
        """A rename waits for servers to be stopped."""
        return [*super().get_handlers(app), (USER, UserHandler)]  # type: ignore[misc]

    async def delete_user(self, user: Any) -> None:
        """JupyterHub deletes a user: all servers end first."""
        await deletion.stop_servers(user, self.parent)  # type: ignore[attr-defined]
        answer = super().delete_user(user)  # type: ignore[misc]
        if isawaitable(answer):
            await answer


def configure(c: Config, settings: "Settings") -> None:
    """Set the traits of the chosen authenticator.

    Raises SettingsError without its table or its secret.
    """
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
    c.OAuthenticator.client_id = provider.client_id
    c.OAuthenticator.client_secret = secret
    c.OAuthenticator.authorize_url = provider.authorize_url
    c.OAuthenticator.token_url = provider.token_url
    c.OAuthenticator.userdata_url = provider.userdata_url
    c.OAuthenticator.oauth_callback_url = provider.callback_url
    c.OAuthenticator.basic_auth = provider.basic_auth
    c.OAuthenticator.logout_redirect_url = provider.logout_redirect_url
    c.OAuthenticator.scope = list(provider.scope)
    c.OAuthenticator.username_claim = provider.username_claim
    c.OAuthenticator.login_service = provider.login_service
    if provider.groups_claim:
        c.OAuthenticator.manage_groups = True
        c.OAuthenticator.auth_state_groups_key = f"oauth_user.{provider.groups_claim}"
        c.OAuthenticator.allowed_groups = set(provider.allowed_groups)
        c.OAuthenticator.admin_groups = set(provider.admin_groups)


def _ldap(c: Config, server: "LdapServer", secret: str) -> None:
    from ldapauthenticator import LDAPAuthenticator  # noqa: PLC0415  only when chosen

    c.JupyterHub.authenticator_class = _with_hooks(LDAPAuthenticator)
    c.LDAPAuthenticator.server_address = server.server_address
    if server.server_port:
        c.LDAPAuthenticator.server_port = server.server_port
    c.LDAPAuthenticator.tls_strategy = server.tls_strategy
    c.LDAPAuthenticator.tls_kwargs = tls(server.ca_certs_file)
    c.LDAPAuthenticator.bind_dn_template = list(server.bind_dn_template)
    c.LDAPAuthenticator.lookup_dn = server.lookup_dn
    c.LDAPAuthenticator.lookup_dn_search_user = server.lookup_dn_search_user
    c.LDAPAuthenticator.lookup_dn_search_password = secret
    c.LDAPAuthenticator.user_search_base = server.user_search_base
    c.LDAPAuthenticator.user_attribute = server.user_attribute
    c.LDAPAuthenticator.allowed_groups = list(server.allowed_groups)


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
