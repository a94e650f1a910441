"""Tables of `config.toml`: images on offer before they are on this machine (`[[images]]`), and who
knows the people, if not the platform (`[oidc]`, `[ldap]`).

What a label says of an image is known only once it is here. So a declaration repeats it, field by
field, with the reference that the engine pulls. Fields of providers are called as in oauthenticator
17 and ldapauthenticator 2, whose documentation explains them further.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hub_config.settings.gpus import Gpus
from hub_config.settings.values import matching

PullPolicy = Literal["never", "missing", "always"]
"""When a start pulls a declared image."""

_REFERENCE = re.compile(
    r"(?P<repository>[a-z0-9]([\w./:-]*?\w)??)(:(?P<tag>\w[\w.-]{0,127}))?"
    r"(@(?P<digest>sha256:[0-9a-f]{64}))?",
    re.ASCII,
)


@dataclass(frozen=True)
class Reference:
    """`repository:tag`, `repository@digest`, or both: then the tag is for people only."""

    repository: str
    tag: str
    digest: str

    @property
    def pinned(self) -> str:
        """What the engine is asked for: by digest where there is one, so that nothing else runs."""
        return self.repository + (f"@{self.digest}" if self.digest else f":{self.tag}")

    @property
    def version(self) -> str:
        """What to pull of the repository: the digest, else the tag (Engine API, ImageCreate)."""
        return self.digest or self.tag


def parse_reference(text: str) -> Reference:
    """The parts of a reference; raises ValueError for one without tag and digest."""
    found = _REFERENCE.fullmatch(text)
    if found is None or not (found["tag"] or found["digest"]):
        raise ValueError(
            "a repository with a digest, a tag or both, such as "
            "registry.example/team/uv-lab:1.2.0@sha256:… (64 hexadecimal digits)"
        )
    return Reference(found["repository"], found["tag"] or "", found["digest"] or "")


Cpus = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _reference(text: str) -> str:
    parse_reference(text)
    return text


class Size(BaseModel):
    """One size of an image, as in the label."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mem_limit: Annotated[
        str, matching(r"[0-9]+(\.[0-9]+)?[KMGT]?", "a number and K, M, G or T, such as 2G")
    ]
    cpu_limit: Cpus | None = None
    cpu_guarantee: Cpus | None = None
    gpus: Gpus | None = None


class DeclaredImage(BaseModel):
    """An image in a registry and the profiles it is offered with."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reference: Annotated[str, AfterValidator(_reference)] = Field(
        description="Repository and digest, or a tag; with a digest nothing else is ever started."
    )
    jupyterhub: Annotated[str, matching(r"[0-9]+(\.[0-9]+)+.*", "a version such as 6.1.1")] = Field(
        description="JupyterHub's version in it; its first number has to be the hub's."
    )
    name: Annotated[
        str, matching("[a-z0-9][a-z0-9-]*", "letters a-z, digits and hyphens, such as uv-lab")
    ] = Field(description="First part of the profiles' names.")
    title: str = Field("", description="What people choose.")
    description: str = Field("", description="What it is for.")
    port: Annotated[int, Field(ge=1, le=65535)] = Field(8888, description="Port of the server.")
    default_url: str = Field("", description="The page it opens.")
    profiles: Annotated[dict[str, Size], Field(min_length=1)] = Field(description="Its sizes.")

    @property
    def label(self) -> dict[str, Any]:
        """The declaration as the label of the image would say it."""
        return self.model_dump(exclude={"reference", "jupyterhub"})

    @property
    def parsed(self) -> Reference:
        """The parts of the reference."""
        return parse_reference(self.reference)


Url = Annotated[
    str, matching(r"https?://\S+", "an address such as https://login.example.org/authorize")
]


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
            raise ValueError(
                "allow_all, allowed_users, allowed_groups or admin_users, or nobody could log in"
            )
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
