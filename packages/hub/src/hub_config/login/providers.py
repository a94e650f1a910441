"""Other services that know the people: OpenID Connect or LDAP, loaded only when chosen.

oauthenticator and ldapauthenticator do the work; this sets their traits from the settings. The
platform's own accounts, pages and second factor are then not there: that is the service's business.
"""

from typing import TYPE_CHECKING

from traitlets.config import Config

from hub_config.login.provider_secret import require_complete

if TYPE_CHECKING:
    from hub_config.login.provider_settings import LdapServer, OidcProvider
    from hub_config.settings import Settings


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

    c.JupyterHub.authenticator_class = GenericOAuthenticator
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

    c.JupyterHub.authenticator_class = LDAPAuthenticator
    c.LDAPAuthenticator.server_address = server.server_address
    if server.server_port:
        c.LDAPAuthenticator.server_port = server.server_port
    c.LDAPAuthenticator.tls_strategy = server.tls_strategy
    c.LDAPAuthenticator.bind_dn_template = list(server.bind_dn_template)
    c.LDAPAuthenticator.lookup_dn = server.lookup_dn
    c.LDAPAuthenticator.lookup_dn_search_user = server.lookup_dn_search_user
    c.LDAPAuthenticator.lookup_dn_search_password = secret
    c.LDAPAuthenticator.user_search_base = server.user_search_base
    c.LDAPAuthenticator.user_attribute = server.user_attribute
    c.LDAPAuthenticator.allowed_groups = list(server.allowed_groups)
