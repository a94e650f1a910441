"""What can be set on the hub: every setting typed, with a default, in one table.

A setting `idle_timeout` is read from the environment variable `JHUB_IDLE_TIMEOUT`, or else from
the key `idle_timeout` of the TOML file. This module decides nothing else: how values are found is
`reading`, what they do is in the modules named after the concern.
"""

import ipaddress
import re
from ipaddress import IPv4Network
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)

from hub_config.branding.stylesheet import checked
from hub_config.groups import Amount, GroupRules
from hub_config.lifetimes.ends import Limits
from hub_config.login.provider_settings import LdapServer, OidcProvider
from hub_config.networks.firewall import destinations
from hub_config.spawning.images.declared import DeclaredImage, PullPolicy

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")]
"""A name the Docker Engine accepts for containers, networks and volumes."""

Repository = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][\w./:-]*$")]

Seconds = Annotated[int, Field(ge=1)]


def _absolute(path: str) -> str:
    if path and not PurePosixPath(path).is_absolute():
        raise ValueError("an absolute path on the Docker host")
    return path


def _pool(network: IPv4Network) -> IPv4Network:
    if not network.is_private or not 8 <= network.prefixlen <= 24:
        raise ValueError("a private IPv4 network from /8 to /24, such as 10.213.0.0/16")
    return network


def _destinations(text: str) -> str:
    destinations.parse(text)
    return text


def _base_url(url: str) -> str:
    if not (url.startswith("/") and url.endswith("/")):
        raise ValueError("a path that begins and ends with a slash, such as / or /team/")
    return url


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"a regular expression (this one: {error})") from None
    return text


def _link(url: str) -> str:
    if url and not url.startswith(("https://", "http://", "mailto:")):
        raise ValueError("an address that begins with https://, http:// or mailto:")
    return url


def _networks(text: str) -> str:
    try:
        for part in filter(None, map(str.strip, text.split(","))):
            ipaddress.ip_network(part)
    except ValueError as error:
        raise ValueError(f"networks, such as 10.0.0.5 or 10.1.0.0/16 ({error})") from None
    return text


def _keys(text: str) -> frozenset[str]:
    return frozenset(key.strip() for key in text.split(",") if key.strip())


class Settings(BaseModel):
    """All settings of the hub, validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=False)

    # Platform: the names under which Docker knows its parts.
    platform: Name = Field("jhub-docker", description="Name of this platform; the Compose project.")
    network: Name = Field("jupyterhub-net", description="Network of hub, proxy and services.")
    container_prefix: Name = Field("jupyter", description="First part of containers' names.")
    user_volume_prefix: Name = Field(
        "jupyterhub-user-", description="Home volumes are called this and the escaped user name."
    )
    shared_volume_prefix: Name = Field(
        "jupyterhub-shared-",
        description="Volumes of groups' folders are called this and the folder.",
    )
    base_url: Annotated[str, AfterValidator(_base_url)] = Field(
        "/", description="Path below which the whole platform answers."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="Least severe messages that the hub logs."
    )

    # Branding: what pages carry of whoever runs the platform.
    brand_name: Annotated[str, Field(min_length=1, max_length=60)] = Field(
        "JupyterHub", description="Name of the platform on every page."
    )
    logo: str = Field(
        "", description="A picture: a file in the data volume, or an https:// address."
    )
    brand_colour: Annotated[str, AfterValidator(checked)] = Field(
        "#1f5fa8", description="Colour of links and buttons; dark enough to be read on white."
    )
    announcement: str = Field("", description="Text above every page; plain text, not HTML.")
    announcement_level: Literal["info", "warning", "danger"] = Field(
        "info", description="How urgent the announcement looks."
    )
    help_url: Annotated[str, AfterValidator(_link)] = Field(
        "", description="Where people find help; linked below every page."
    )

    # Networks.
    address_pool: Annotated[IPv4Network, AfterValidator(_pool)] = Field(
        IPv4Network("10.213.0.0/16"),
        description="Private addresses for servers' networks, sixteen each; /8 to /24.",
    )
    firewall: Literal["required", "off"] = Field(
        "required", description="Whether servers start only behind the host's firewall."
    )
    block_private_networks: bool = Field(
        False, description="Whether servers are kept from private networks around the host too."
    )
    allowed_destinations: Annotated[str, AfterValidator(_destinations)] = Field(
        "", description="Addresses or networks, with a port or without, that servers may reach."
    )
    blocked_destinations: Annotated[str, AfterValidator(_destinations)] = Field(
        "", description="Addresses or networks, with a port or without, that they may not."
    )

    # Login.
    admin_user: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._@-]{0,63}$")] = Field(
        "admin", description="The first admin, made at first start with a one-time password."
    )
    authenticator: Literal["native", "oidc", "ldap"] = Field(
        "native", description="Who knows the people: the platform itself, or another service."
    )
    signup: Literal["open", "approval", "closed"] = Field(
        "approval", description="Who gets an account: all who ask, those approved, nobody new."
    )
    signups_per_address: Annotated[int, Field(ge=0)] = Field(
        30, description="Accounts one address may sign up for in an hour; 0: no limit."
    )
    signup_contact: bool = Field(
        False, description="Whether sign-up asks for full name and e-mail, which admins see."
    )
    minimum_password_length: Annotated[int, Field(ge=8, le=72)] = Field(
        10, description="Characters a password needs at least."
    )
    username_pattern: Annotated[str, AfterValidator(_pattern)] = Field(
        r"^[a-z0-9]([a-z0-9._@-]{0,62}[a-z0-9])?$",
        description="Regular expression every user name has to match.",
    )
    allowed_failed_logins: Annotated[int, Field(ge=0)] = Field(
        10, description="Failed logins of a name from one address before it waits; 0: no limit."
    )
    seconds_before_next_try: Seconds = Field(
        300, description="The longest wait; waits begin at a second and double."
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        "", description="Addresses of reverse proxies before the platform, separated by commas."
    )
    second_factor: Literal["off", "optional", "admins", "everyone"] = Field(
        "optional", description="Who needs a code from an app besides the password."
    )
    provider_secret: SecretStr | None = Field(
        None, description="OIDC client secret or LDAP bind password; a file is better."
    )

    # Servers.
    image_tag: Annotated[str, Field(pattern=r"^\w[\w.-]{0,127}$")] = Field(
        "latest", description="Tag of the single-user images that are offered."
    )
    default_profile: str = Field(
        "", description="Profile that is chosen when the form opens; empty: the first one."
    )
    allow_named_servers: bool = Field(
        True, description="Whether a person may have several servers."
    )
    named_server_limit: Annotated[int, Field(ge=0)] = Field(
        3, description="Named servers each person may have; 0: no limit."
    )
    start_timeout: Annotated[int, Field(ge=10)] = Field(
        120, description="Seconds a server has from its turn until it answers."
    )
    pids_limit: Annotated[int, Field(ge=100)] = Field(
        4096, description="Processes and threads one server may have."
    )
    log_size: Annotated[str, Field(pattern=r"^[1-9][0-9]*[kmg]$")] = Field(
        "10m", description="Size of each of the three files a server's log may have: 500k, 10m, 1g."
    )
    disk_limit_gb: Amount = Field(
        0, description="What a server may write beside the home (10⁹ bytes); 0: no limit."
    )
    read_only_root: bool = Field(
        False, description="Whether servers without sudo can write to home and memory only."
    )
    idle_timeout: Annotated[int, Field(ge=0)] = Field(
        3600, description="Seconds without activity after which a server is stopped; 0: never."
    )
    warning_time: Annotated[int, Field(ge=0)] = Field(
        600, description="Seconds before a server's end at which its person is told."
    )
    more_time_cap: Annotated[int, Field(ge=0)] = Field(
        28800, description="Seconds an idle server may stay longer when its person asks; 0: none."
    )
    max_age: Annotated[int, Field(ge=0)] = Field(
        0, description="Seconds after which a server is stopped even when busy; 0: never."
    )
    keep_homes_days: Annotated[int, Field(ge=0)] = Field(
        30, description="Days the home of somebody who was deleted is kept; 0: removed at once."
    )
    concurrent_spawn_limit: Annotated[int, Field(ge=0)] = Field(
        0, description="Servers that start at the same time, others queue; 0: twice the CPUs."
    )
    queue_timeout: Seconds = Field(600, description="Seconds a request waits for its turn.")
    active_server_limit: Annotated[int, Field(ge=0)] = Field(
        0, description="Servers that may run at the same time; 0: no limit."
    )
    docker_threads: Annotated[int, Field(ge=1, le=128)] = Field(
        16, description="Calls to the Docker Engine that may be under way at the same time."
    )
    nb_uid: Annotated[int, Field(ge=1000, le=2**31)] | None = Field(
        None, description="User id of the person inside the container; empty: the image's, 1000."
    )
    nb_gid: Annotated[int, Field(ge=100, le=2**31)] | None = Field(
        None, description="Group id of the person inside the container; empty: the image's, 100."
    )
    sudo_profiles: str = Field(
        "", description="Profiles whose people may use sudo, separated by commas."
    )
    gpu_profiles: str = Field(
        "", description="Profiles that have all the host's NVIDIA GPUs, separated by commas."
    )
    ca_bundle: Annotated[str, AfterValidator(_absolute)] = Field(
        "", description="File on the Docker host with CA certificates all servers shall trust."
    )

    # Images from a registry.
    pull_from: Annotated[str, Field(pattern=r"^$|^[a-z0-9][\w./:-]*/$")] = Field(
        "",
        description="First part of images that may be pulled, such as registry.example/team/.",
    )
    pull_policy: PullPolicy = Field(
        "missing", description="When a declared image is pulled: never, missing or always."
    )
    pull_timeout: Seconds = Field(1800, description="Seconds a start waits for its image.")
    images: tuple[DeclaredImage, ...] = Field(
        (), validate_default=False, description="Images on offer before they are pulled."
    )

    @field_validator("images")
    @classmethod
    def _below_pull_from(
        cls, images: tuple[DeclaredImage, ...], info: ValidationInfo
    ) -> tuple[DeclaredImage, ...]:
        prefix = info.data.get("pull_from", "")
        for image in images:
            if not (prefix and image.reference.startswith(prefix)):
                raise ValueError(f"references that begin with JHUB_PULL_FROM, now {prefix!r}")
        return images

    # Admission: what has to be free before a server is started.
    memory_reserve_gb: Amount = Field(
        1.0, description="Memory (2³⁰ bytes) that no server is promised: the machine's own."
    )
    memory_overcommit: Annotated[float, Field(gt=0, le=100)] = Field(
        1.0, description="How many times the rest of the memory servers may be promised together."
    )
    cpu_overcommit: Amount = Field(
        0.0,
        description="How many times the CPUs may be guaranteed together; 0: they are shared.",
    )
    min_free_disk_gb: Amount = Field(
        2.0, description="Disk (10⁹ bytes) that has to be free for a server to start."
    )
    user_server_limit: Annotated[int, Field(ge=0)] = Field(
        0, description="Servers one person may run at the same time; 0: no limit."
    )
    user_memory_limit_gb: Amount = Field(
        0.0, description="Memory (2³⁰ bytes) of one person's servers together; 0: no limit."
    )
    user_cpu_limit: Amount = Field(
        0.0, description="CPUs guaranteed to one person's servers together; 0: no limit."
    )

    # Identity providers: a table each, so in the file only.
    oidc: OidcProvider | None = Field(None, description="An OpenID Connect provider.")
    ldap: LdapServer | None = Field(None, description="An LDAP server.")

    # Groups: a table each, so in the file only.
    groups: dict[str, GroupRules] = Field(
        default_factory=dict, description="What members of JupyterHub's groups get."
    )

    @property
    def limits(self) -> Limits:
        """The settings about servers' ends."""
        return Limits(self.idle_timeout, self.warning_time, self.more_time_cap, self.max_age)

    @property
    def profiles_with_sudo(self) -> frozenset[str]:
        """`sudo_profiles` as a set of profile keys."""
        return _keys(self.sudo_profiles)

    @property
    def profiles_with_gpus(self) -> frozenset[str]:
        """`gpu_profiles` as a set of profile keys."""
        return _keys(self.gpu_profiles)


FILE_ONLY = frozenset({"groups", "images", "ldap", "oidc"})
"""Settings with a structure that one variable cannot hold."""


ENVIRONMENT_ONLY = frozenset(
    {
        "platform",
        "network",
        "address_pool",
        "container_prefix",
        "user_volume_prefix",
        "image_tag",
        "pids_limit",
        "log_size",
        "disk_limit_gb",
        "read_only_root",
        "nb_uid",
        "nb_gid",
        "sudo_profiles",
        "gpu_profiles",
        "ca_bundle",
        "shared_volume_prefix",
        "pull_from",
        "firewall",
        "block_private_networks",
        "allowed_destinations",
        "blocked_destinations",
    }
)
"""Settings that the filter before the engine (`engine_filter.policy`) and the firewall enforce.
They cannot come from a file in the hub's own volume, which a hub in the wrong hands could rewrite.
"""


def variables() -> dict[str, str]:
    """The settings that have an environment variable, by its name."""
    return {variable(name): name for name in Settings.model_fields if name not in FILE_ONLY}


def variable(name: str) -> str:
    """The environment variable of the setting `name`."""
    return f"JHUB_{name.upper()}"
