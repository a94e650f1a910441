"""The settings of the platform itself: its names, addresses, look, networks, and who may log in."""

import re
from ipaddress import IPv4Network
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from hub_config.settings import values
from hub_config.settings.declaration import Declared, enforced, setting


class PlatformSettings(Declared):
    """What holds for the platform as a whole."""

    # Platform: where servers run, and the names under which Docker knows its parts.
    runtime: Literal["docker", "swarm", "kubernetes"] = enforced("docker")
    """Where servers run: on a Docker Engine, as services of its swarm, or as pods beside the hub's
    own."""
    platform: values.Name = enforced("jhub-docker")
    """Name of this platform; the Compose project."""
    network: values.Name = enforced("jupyterhub-net")
    """Network of hub, proxy and services."""
    container_prefix: values.Name = enforced("jupyter")
    """First part of containers' names."""
    user_volume_prefix: values.Name = enforced("jupyterhub-user-")
    """Home volumes are called this, best with a hyphen at its end, and the escaped user name."""
    shared_volume_prefix: values.Name = enforced("jupyterhub-shared-", derived=True)
    """Volumes of shared folders are called this, best with a hyphen at its end, and the folder or
    group."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = setting(
        "INFO", trait="JupyterHub.log_level"
    )
    """Least severe messages that the hub logs."""
    log_format: Literal["text", "json"] = setting("text")
    """How hub, filter, guard and proxy write their logs: as text, or JSON on each line."""
    audit_days: Annotated[int, Field(ge=1, le=36500)] = setting(365)
    """Days for which entries of the audit log are kept."""
    audit_size_mb: Annotated[int, Field(ge=64)] = setting(1024)
    """Size (2²⁰ bytes) of the whole audit log at most; then the oldest go before their time."""

    # The database.
    db_url: values.DatabaseUrl = setting("", enforced_by="tasks")
    """PostgreSQL to keep records in, such as `postgresql+psycopg://hub@db.example.org/hub`; empty:
    SQLite in the data volume."""
    db_password: SecretStr | None = setting(None)
    """Its password; better as a file, which `secrets.set` keeps or `JHUB_DB_PASSWORD_FILE`
    names."""
    failover: bool = setting(False)
    """Whether further hubs wait to take this one's place; wants PostgreSQL (docs/failover.md)."""

    # Addresses: where people find it.
    base_url: values.BaseUrl = setting("/")
    """Path below which the whole platform answers."""
    domain: values.Domain = setting("")
    """Name under which Caddy answers by https for the platform; empty: plain HTTP, no Caddy."""
    tls: Literal["acme", "internal", "files"] = setting("acme")
    """Where its certificate is from: Let's Encrypt or another ACME server (`acme`), a CA of Caddy's
    own (`internal`), `JHUB_TLS_FILES` (`files`)."""
    https_port: values.Port = setting(443)
    """Port of the host on which browsers find the domain."""
    public_url: values.PublicUrl = setting("", trait="JupyterHub.public_url", derived=True)
    """Address of the platform as people type it, such as `https://hub.example.org/`; empty:
    `JHUB_DOMAIN`'s, or else as each request says."""
    subdomain_host: values.Host = setting("", trait="JupyterHub.subdomain_host")
    """Each person's servers get a domain of their own below this one, such as
    `https://hub.example.org`; empty: all share the hub's."""

    # Branding: what pages carry of whoever runs the platform.
    brand_name: values.Title = setting("JupyterHub")
    """Name of the platform on every page."""
    logo: str = setting("")
    """A picture: a file in the data volume, or an https:// address."""
    brand_colour: values.BrandColour = setting("#1f5fa8")
    """Colour of links and buttons; dark enough to be read on white."""
    announcement: str = setting("")
    """Text above every page; plain text, not HTML."""
    announcement_level: Literal["info", "warning", "danger"] = setting("info")
    """How urgent the announcement looks."""
    help_url: values.Link = setting("")
    """Where people find help; linked below every page."""

    # Networks.
    address_pool: values.Pool = enforced(IPv4Network("10.213.0.0/16"))
    """Private addresses for servers' networks, sixteen each; /8 to /24."""
    firewall: Literal["required", "off"] = setting("required", enforced_by="firewall")
    """Whether servers start only behind the host's firewall; `off`: without it."""
    block_private_networks: bool = setting(False, enforced_by="firewall")
    """Whether servers are kept from private networks around the host too."""
    allowed_destinations: values.Destinations = setting("", enforced_by="firewall")
    """Addresses or networks, with a port or without, that servers may reach."""
    blocked_destinations: values.Destinations = setting("", enforced_by="firewall")
    """Addresses or networks, with a port or without, that they may not."""

    # Login.
    admin_user: values.FirstAdmin = setting("admin")
    """The first admin, made at first start with a one-time password."""
    authenticator: Literal["native", "oidc", "ldap"] = setting("native")
    """Who knows the people: the platform itself (`native`), or another service (`oidc`, `ldap`; see
    below)."""
    signup: Literal["open", "approval", "closed"] = setting("approval")
    """Who gets an account: all who ask (`open`), those an admin approves (`approval`), nobody new
    (`closed`)."""
    signups_per_address: values.Number = setting(30)
    """Accounts one address may sign up for in an hour; 0: no limit."""
    signup_contact: bool = setting(False)
    """Whether sign-up asks for full name and e-mail, which admins see."""
    minimum_password_length: Annotated[int, Field(ge=8, le=72)] = setting(
        10, trait="NativeAuthenticator.minimum_password_length"
    )
    """Characters a password needs at least."""
    username_pattern: values.Pattern = setting(
        r"^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$", trait="Authenticator.username_pattern"
    )
    """Regular expression every user name has to match."""
    allowed_failed_logins: values.Number = setting(
        10, trait="NativeAuthenticator.allowed_failed_logins"
    )
    """Failed logins of a name from one address before it waits; 0: no limit."""
    seconds_before_next_try: values.Seconds = setting(
        300, trait="NativeAuthenticator.seconds_before_next_try"
    )
    """The longest wait; waits begin at a second and double."""
    trusted_proxies: values.Networks = setting("")
    """Addresses or networks of reverse proxies before the platform, separated by commas."""
    second_factor: Literal["off", "optional", "admins", "everyone"] = setting("optional")
    """Who needs a code from an app besides the password: nobody (`off`), those who want
    (`optional`), `admins`, `everyone`."""
    provider_secret: SecretStr | None = setting(None)
    """OIDC client secret or LDAP bind password; better as a file, which `secrets.set` keeps or
    `JHUB_PROVIDER_SECRET_FILE` names."""

    @property
    def project(self) -> str:
        """The Compose project whose containers hub and proxy are; empty where they are pods."""
        return "" if self.runtime == "kubernetes" else self.platform

    @field_validator("shared_volume_prefix")
    @classmethod
    def _no_home(cls, prefix: str, info: ValidationInfo) -> str:
        if info.data.get("user_volume_prefix", "").startswith(prefix):
            raise ValueError(
                "one that JHUB_USER_VOLUME_PREFIX does not begin with: a shared folder's volume "
                "could be called as a home"
            )
        return prefix

    @field_validator("failover")
    @classmethod
    def _with_a_lock(cls, failover: bool, info: ValidationInfo) -> bool:
        if failover and not info.data.get("db_url"):
            raise ValueError("false without JHUB_DB_URL, whose database says which hub it is")
        return failover

    @field_validator("public_url")
    @classmethod
    def _with_base_url(cls, url: str, info: ValidationInfo) -> str:
        base, domain = info.data.get("base_url", "/"), info.data.get("domain", "")
        if domain and not url:
            port = info.data.get("https_port", 443)
            return f"https://{domain}{'' if port == 443 else f':{port}'}{base}"
        if domain and not re.match(rf"https://{re.escape(domain)}[:/]", f"{url}/"):
            raise ValueError(f"an address of JHUB_DOMAIN, https://{domain}/, or none")
        path = urlsplit(url).path
        if url and path.rstrip("/") + "/" != base:
            raise ValueError(f"an address that ends with JHUB_BASE_URL, now {base!r}")
        return f"{url.rstrip('/')}/" if url else ""

    @field_validator("subdomain_host")
    @classmethod
    def _same_host(cls, host: str, info: ValidationInfo) -> str:
        if host and info.data.get("domain") and info.data.get("tls") == "acme":
            raise ValueError(
                "none with JHUB_TLS=acme, since a name for each person wants one certificate for "
                "all of them: JHUB_TLS=files with such a one, or internal"
            )
        public = urlsplit(info.data.get("public_url", ""))
        if host and public.netloc and f"{public.scheme}://{public.netloc}" != host:
            raise ValueError(
                f"the host of JHUB_PUBLIC_URL, {public.scheme}://{public.netloc}, since each "
                "person's domain is below the hub's"
            )
        return host
