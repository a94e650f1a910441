"""The tables `[oidc]` and `[ldap]` of `config.toml`: who knows the people, if not the platform.

Fields are called as in oauthenticator 17 and ldapauthenticator 2, whose documentation explains them
further. Somebody has to be allowed in: all, or named users or groups.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Url = Annotated[str, Field(pattern=r"^https?://\S+$")]


class _Provider(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    allow_all: bool = Field(False, description="Whether everybody the service knows may log in.")
    allowed_users: frozenset[str] = Field(frozenset(), description="People who may log in.")
    allowed_groups: frozenset[str] = Field(frozenset(), description="Groups that may log in.")
    admin_users: frozenset[str] = Field(frozenset(), description="People who are admins.")
    secret_file: str = Field("", description="File in the hub's container with the secret.")

    @model_validator(mode="after")
    def _somebody_may_log_in(self) -> "_Provider":
        if not (self.allow_all or self.allowed_users or self.allowed_groups or self.admin_users):
            raise ValueError("nobody could log in; set allow_all, allowed_users or allowed_groups")
        return self


class OidcProvider(_Provider):
    """An OpenID Connect provider; its addresses are in `<issuer>/.well-known/openid-configuration`.

    `callback_url` is the platform's public address with `hub/oauth_callback`, and has to be
    registered with the provider.
    """

    client_id: str
    authorize_url: Url
    token_url: Url
    userdata_url: Url
    callback_url: Url
    basic_auth: bool = Field(True, description="client_secret_basic, else client_secret_post.")
    logout_redirect_url: str = ""
    scope: tuple[str, ...] = ("openid", "profile", "email")
    username_claim: str = "preferred_username"
    groups_claim: str = Field("", description="Claim with group names; JupyterHub's follow it.")
    admin_groups: frozenset[str] = frozenset()
    login_service: str = "single sign-on"


class LdapServer(_Provider):
    """An LDAP server, with a template for the user's DN or with a search for it."""

    server_address: str
    server_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls_strategy: Literal["before_bind", "on_connect", "insecure"] = "before_bind"
    ca_certs_file: str = Field(
        "", description="File in the hub's container with the CA; empty: those of the system."
    )
    bind_dn_template: tuple[str, ...] = ()
    lookup_dn: bool = False
    lookup_dn_search_user: str = ""
    user_search_base: str = ""
    user_attribute: str = "uid"
