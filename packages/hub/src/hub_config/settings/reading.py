"""All settings together, and how they are found: environment first, then a TOML file. Says what is
wrong, starts nothing.

An empty variable counts as not set, so that `${JHUB_X:-}` in a Compose file does no harm. No value
of a secret, of a key that is not known or of a whole table is ever in a message.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from hub_config import SettingsError, variables
from hub_config.groups import GroupRules
from hub_config.settings import kept
from hub_config.settings.declaration import PREFIX, listed, setting
from hub_config.settings.explaining import ELSEWHERE, explained, suggestion
from hub_config.settings.platform import PlatformSettings
from hub_config.settings.servers import ServerSettings
from hub_config.settings.tables import DeclaredImage, LdapServer, OidcProvider


class Settings(ServerSettings, PlatformSettings, BaseSettings):
    """All settings of the hub, validated. By itself it reads nothing: `read` does."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=False
    )

    # Tables, so in the file only.
    images: tuple[DeclaredImage, ...] = setting((), table=True)
    """Images on offer before they are pulled."""
    oidc: OidcProvider | None = setting(None, table=True)
    """An OpenID Connect provider."""
    ldap: LdapServer | None = setting(None, table=True)
    """An LDAP server."""
    groups: dict[str, GroupRules] = setting({}, table=True)
    """What members of JupyterHub's groups get."""

    @field_validator("images")
    @classmethod
    def _below_pull_from(
        cls, images: tuple[DeclaredImage, ...], info: ValidationInfo
    ) -> tuple[DeclaredImage, ...]:
        prefix = info.data.get("pull_from", "")
        ours = info.data.get("runtime") == "docker"  # other nodes pull by rules of their own
        for image in images if ours else ():
            if not (prefix and image.reference.startswith(prefix)):
                raise ValueError(f"references that begin with JHUB_PULL_FROM, now {prefix!r}")
        return images

    @field_validator("oidc")
    @classmethod
    def _called_back_here(
        cls, provider: OidcProvider | None, info: ValidationInfo
    ) -> OidcProvider | None:
        public = info.data.get("public_url", "")
        if provider and public and not provider.callback_url.startswith(f"{public}hub/"):
            raise ValueError(f"a callback_url below JHUB_PUBLIC_URL, {public}hub/oauth_callback")
        return provider

    @field_validator("groups")
    @classmethod
    def _with_permitted_variables(
        cls, groups: dict[str, GroupRules], info: ValidationInfo
    ) -> dict[str, GroupRules]:
        if (patterns := info.data.get("group_variables")) is None:  # wrong, and told so
            return groups
        names = {name for rules in groups.values() for name in rules.environment}
        if wrong := sorted(name for name in names if not variables.permitted(name, patterns)):
            told = ", ".join(sorted(patterns)) or "none"
            not_these = ", ".join(wrong)
            raise ValueError(f"variables of JHUB_GROUP_VARIABLES, now {told} (not {not_these})")
        return groups

    @property
    def enforced(self) -> Self:
        """What hub and filter both go by: these settings, where all that the filter does not
        enforce is at its default. Equal in both, whatever the hub's own file says.
        """
        mine = [one.name for one in listed(type(self)) if one.enforced_by == "filter"]
        return type(self)(**{name: getattr(self, name) for name in mine})

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_others: Any,
        **_more: Any,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Values are handed over by `read`, and nothing is read beside that."""
        return (init_settings,)


CONFIG_VARIABLE = "JHUB_CONFIG"
"""Names the TOML file; where it is set, the file has to exist."""

DEFAULT_FILE = Path("/srv/jupyterhub/config.toml")

Some = TypeVar("Some", bound=Settings)


def read(environ: Mapping[str, str], default_file: Path | None = DEFAULT_FILE) -> Settings:
    """The settings in effect; raises SettingsError naming everything that is wrong, at once.

    Without a `default_file` no file is read at all, whatever the environment names.
    """
    return read_as(Settings, environ, default_file)


_READERS = {
    "filter": "the engine's filter has",
    "firewall": "the firewall has",
    "tasks": "./dev invoke's tasks have",
}


def read_as(kind: type[Some], environ: Mapping[str, str], default_file: Path | None) -> Some:
    """As `read`, for any class of settings."""
    known = {one.name: one for one in listed(kind)}
    variables = {one.variable: one for one in known.values() if not one.table}
    secret = secret_variables(kind)
    beside = {CONFIG_VARIABLE, *(name + kept.SUFFIX for name in secret)}
    given = {
        key: value
        for key, value in environ.items()
        if key.startswith(PREFIX) and key not in beside and value != ""
    }
    if default_file:
        given |= kept.given(secret, environ, default_file.parent / "secrets/settings")
    from_file, where = _from_file(kind, environ, default_file) if default_file else ({}, "")
    complaints = [
        f"{key} is not a setting{suggestion(key, variables)}"
        for key in sorted(given.keys() - variables.keys())
    ]
    complaints += [
        f"{key} in {where} is not a setting{suggestion(key, known)}"
        for key in sorted(from_file.keys() - known.keys())
    ]
    complaints += [
        f"{key} in {where} has no effect there, since {_READERS[reader]} to know it and not to "
        f"read what the hub could change; set {known[key].variable} instead"
        for key in sorted(from_file.keys() & known.keys())
        if (reader := known[key].enforced_by)
    ]
    source = EnvSettingsSource(kind, env_prefix=PREFIX)
    source.env_vars = {key.lower(): value for key, value in given.items() if key in variables}
    from_environ = source()
    values = {key: value for key, value in from_file.items() if key in known} | from_environ
    try:
        settings = kind(**values)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            name = str(item["loc"][0])
            from_where = where if name in values and name not in from_environ else ""
            complaints.append(explained(item, kind.model_fields[name], known[name], from_where))
        raise SettingsError("\n".join(complaints)) from None
    if complaints:
        raise SettingsError("\n".join(complaints))
    return settings


def secret_variables(kind: type[Settings] = Settings) -> list[str]:
    """The variables that are secrets."""
    return [one.variable for one in listed(kind) if one.secret]


def _from_file(
    kind: type[Settings], environ: Mapping[str, str], default: Path
) -> tuple[dict[str, Any], str]:
    named = environ.get(CONFIG_VARIABLE)
    path = Path(named) if named else default
    try:
        if named and not path.exists():
            raise SettingsError(f"{CONFIG_VARIABLE}={named}: there is no such file")
        if path.is_dir():
            raise SettingsError(f"{path}: cannot be read: it is a folder")
        return TomlConfigSettingsSource(kind, path)(), str(path)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not valid TOML: {error}") from None


def unknown_profiles(settings: Settings, offer: Iterable[str]) -> list[str]:
    """A sentence for each profile that a setting names and no image offers, if any offers one."""
    known = sorted(offer)
    if not known:
        return []
    return [
        f"{where} names the profile {name!r}, which no image offers; there are: {', '.join(known)}"
        for where, name in _named(settings)
        if name not in known
    ]


def _named(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.default_profile:
        yield "JHUB_DEFAULT_PROFILE", settings.default_profile
    for where, names in (
        ("JHUB_SUDO_PROFILES", settings.sudo_profiles),
        ("JHUB_GPU_PROFILES", {one.partition("=")[0].strip() for one in settings.gpu_profiles}),
        *((f"groups.{group}.profiles", rule.profiles) for group, rule in settings.groups.items()),
    ):
        for name in sorted(names):
            yield where, name


def require_complete(settings: Settings) -> str:
    """The chosen provider's secret: client secret or bind password; empty where none is needed.

    Raises SettingsError when the provider's table, its secret or its CA is missing.
    """
    name = settings.authenticator
    if name == "native":
        return ""
    provider = settings.oidc if name == "oidc" else settings.ldap
    if provider is None:
        raise SettingsError(
            f"JHUB_AUTHENTICATOR is {name!r}; that wants a table [{name}] in config.toml, as "
            "packages/hub/README.md describes it"
        )
    if settings.ldap is provider:
        if (ca := settings.ldap.ca_certs_file) and not Path(ca).is_file():
            raise SettingsError(f"ca_certs_file of [ldap] is {ca!r}, and there is no such file")
        if not settings.ldap.lookup_dn:
            return ""
    if provider.secret_file:
        try:
            return Path(provider.secret_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"secret_file of [{name}] is {provider.secret_file!r} and cannot be read: {error}"
            ) from None
    if settings.provider_secret is not None:
        return settings.provider_secret.get_secret_value()
    raise SettingsError(f"JHUB_AUTHENTICATOR is {name!r} and its secret is missing: {ELSEWHERE}")
